import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { HostFacts } from "../model.ts";
import { lastLines } from "../process.ts";
import type { Trace } from "../run.ts";
import { childSpan } from "../spans.ts";
import { damaged } from "./damaged.ts";

export interface UnpackProgram {
  readonly name: "xz" | "zstd" | "bzip2";
  /** Its path. */
  readonly program: string;
  readonly host: HostFacts;
  readonly signal: AbortSignal;
  readonly trace: Trace;
}

/** What all of xz may take, so that together with us it stays below 200 MB: it uses as many processors as fit into that. Two fit where blocks have 24 MiB, as `xz -6 -T` makes them, or less. */
const xzMemory = 72 * 2 ** 20;

/** Unpacks by a program that reads standard input and writes standard output. It ends with us: its input does. */
export async function* throughProgram({ name, program, host, signal, trace }: UnpackProgram, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  signal.throwIfAborted();
  // In a session of its own, so that Ctrl-C reaches us alone, and is told as what it is.
  const child = spawn(program, ["-dc", ...(await argumentsFor(name, program, host))], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const endSpan = childSpan(trace, program, child.pid);
  const ended = exitOf(child).finally(endSpan);
  const said = textOf(child.stderr);
  let failed: unknown;
  const fed = feed(packed, child.stdin).catch((error: unknown) => {
    failed = error;
    child.kill("SIGKILL");
  });
  try {
    for await (const piece of child.stdout as AsyncIterable<Buffer>) yield piece;
    const { code, cause } = await ended;
    if (code === 0) await fed; // a file that goes on behind its end is read to its end
    signal.throwIfAborted();
    if (failed !== undefined) throw failed;
    if (code !== 0) throw damaged(name, lastLines(await said).at(-1)?.replace(/^(xz|zstd|bzip2): /, "") ?? `it ended with ${code}`, cause);
  } finally {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stdin.destroy();
    await ended;
  }
}

/** xz unpacks with several threads since 5.4, and only that knows how to limit them. */
async function argumentsFor(name: UnpackProgram["name"], program: string, host: HostFacts): Promise<readonly string[]> {
  if (name !== "xz") return ["-q"];
  const version = /(\d+)\.(\d+)/.exec((await host.probe(program, ["--version"])).stdout);
  const knows = version !== null && (Number(version[1]) > 5 || (Number(version[1]) === 5 && Number(version[2]) >= 4));
  return knows ? [`-T${Math.max(1, host.cpus)}`, `--memlimit-mt-decompress=${xzMemory}`] : [];
}

async function feed(packed: AsyncIterable<Uint8Array>, input: Writable): Promise<void> {
  let closed = false;
  input.on("error", () => { closed = true; }); // its exit status says why
  for await (const piece of packed) {
    if (closed) continue; // what is behind the end is read all the same: it is hashed, and kept
    if (!input.write(piece)) await Promise.race([once(input, "drain"), once(input, "close")]).catch(() => {});
  }
  input.end();
}

function exitOf(child: ChildProcess): Promise<{ readonly code: number; readonly cause?: unknown }> {
  return new Promise((resolve) => {
    child.once("error", (cause) => resolve({ code: -1, cause }));
    child.once("exit", (code) => resolve({ code: code ?? -1 }));
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const piece of stream) text = `${text}${String(piece)}`.slice(-4096);
  return text;
}
