import { readFileSync, readdirSync } from "node:fs";
import { identityOf, type ProcessIdentity } from "./process-identity.ts";

/** A process of this host, whoever started it. */
export interface RunningProcess {
  readonly pid: number;
  /** Its words, with a blank between each two. */
  readonly line: string;
}

/**
 * Processes that run one of these commands, alive and told apart from all others. Of a script the interpreter stands before the words, and of a
 * program that was set off by another only its own are left: so the one must be the end of the other, and name the folder.
 */
export function processesRunning(commands: readonly { readonly program: string; readonly argv: readonly string[] }[], folder: string, table: readonly RunningProcess[] = runningProcesses()): readonly ProcessIdentity[] {
  const planned = commands.map(({ program, argv }) => ` ${[program, ...argv].join(" ")}`);
  return table.filter(({ line }) => {
    const words = ` ${line}`;
    return words.includes(`${folder}/`) && planned.some((one) => one.includes(`${folder}/`) && (words.endsWith(one) || one.endsWith(words)));
  }).flatMap(({ pid }) => identityOf(pid) ?? []);
}

/** All processes but this one. Those that ended meanwhile, and the kernel's own, are left out. */
export function runningProcesses(): readonly RunningProcess[] {
  return process.platform === "darwin" ? macProcesses() : readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      // proc_pid_cmdline(5): each word ends in a zero.
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0$/, "").replaceAll("\0", " ");
      return line === "" ? [] : [{ pid, line }];
    } catch {
      return [];
    }
  });
}

function macProcesses(): readonly RunningProcess[] {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  const text = execFileSync("/bin/ps", ["-axwwo", "pid=,command="], { encoding: "utf8", env: { LC_ALL: "C" }, stdio: ["ignore", "pipe", "ignore"], timeout: 5000, maxBuffer: 64 * 2 ** 20 });
  return text.split("\n").flatMap((row) => {
    const [, pid, line = ""] = /^\s*(\d+) (.*)$/.exec(row) ?? [];
    return pid === undefined || Number(pid) === process.pid ? [] : [{ pid: Number(pid), line }];
  });
}
