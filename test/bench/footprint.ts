import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";

/** What a program took, all that it started included. */
export interface Footprint {
  /** The most resident memory at one moment, in MB. */
  readonly residentMb: number;
  /** Bytes that went to disk, in MB: those of files that were removed before they got there do not count. */
  readonly writtenMb: number;
}

/** Runs a program and looks at it every few milliseconds. Throws when it ends badly. */
export async function footprintOf(file: string, argv: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string }): Promise<Footprint> {
  // A shell that has waited for its children has their counts as well (proc(5), /proc/pid/io).
  const child = spawn("/bin/sh", ["-c", '"$@" >/dev/null || exit 1; cat /proc/$$/io', "sh", file, ...argv], { ...options, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
  let most = 0;
  const timer = setInterval(() => { most = Math.max(most, residentBelow(child.pid ?? 0)); }, 20);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(timer);
  if (code !== 0) throw new Error(`${[file, ...argv].join(" ")} ended with ${code}`);
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
  return { residentMb: most / 1e6, writtenMb: (count("write_bytes") - count("cancelled_write_bytes")) / 1e6 };
}

/** Bytes of a process's descendants. */
function residentBelow(pid: number): number {
  const below = new Map<string, string[]>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1] ?? "";
    below.set(parent, [...(below.get(parent) ?? []), name]);
  }
  const sum = (of: string): number => (below.get(of) ?? []).reduce((total, name) => total + Number(/VmRSS:\s*(\d+)/.exec(read(`/proc/${name}/status`))?.[1] ?? 0) * 1024 + sum(name), 0);
  return sum(String(pid));
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}
