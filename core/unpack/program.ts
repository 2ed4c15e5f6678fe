import { spawn, type ChildProcess } from "node:child_process";
import { open, type FileHandle } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
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

/**
 * Unpacks by a program that reads standard input. It writes to a new file by itself, with holes where there are zeros, and what it has written is read behind it:
 * that takes half the time of a pipe. Where no file is given it writes to a pipe. It ends with us: its input does.
 */
export async function* throughProgram({ name, program, host, signal, trace }: UnpackProgram, packed: AsyncIterable<Uint8Array>, target?: string): AsyncGenerator<Uint8Array, void, void> {
  signal.throwIfAborted();
  const options = await argumentsFor(name, program, host, target !== undefined);
  const output = target === undefined ? undefined : await open(target, "wx+", 0o600);
  // In a session of its own, so that Ctrl-C reaches us alone, and is told as what it is.
  const child = spawn(program, ["-dc", ...options], { stdio: ["pipe", output?.fd ?? "pipe", "pipe"], detached: true });
  const endSpan = childSpan(trace, program, child.pid);
  const ended = exitOf(child).finally(endSpan);
  const said = textOf(child.stderr as Readable);
  let failed: unknown;
  const fed = feed(packed, child.stdin as Writable).catch((error: unknown) => {
    failed = error;
    child.kill("SIGKILL");
  });
  try {
    if (output) yield* readBehind(output, ended);
    else for await (const piece of child.stdout as AsyncIterable<Buffer>) yield piece;
    const { code, cause } = await ended;
    if (code === 0) await fed; // a file that goes on behind its end is read to its end
    signal.throwIfAborted();
    if (failed !== undefined) throw failed;
    if (code !== 0) throw complaint(name, lastLines(await said).at(-1)?.replace(/^(xz|zstd|bzip2): /, "") ?? `it ended with ${code}`, cause);
  } finally {
    child.kill("SIGKILL");
    child.stdout?.destroy();
    child.stdin?.destroy();
    await ended;
    await output?.close();
  }
}

/** What is in a file that somebody else writes, until they have ended. The pieces share their memory: each is good until the next. */
async function* readBehind(file: FileHandle, ended: Promise<unknown>): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.allocUnsafeSlow(2 ** 20);
  // Each look takes the processor from a program that uses all of them, so they are few; the last one comes at once.
  const pauseMs = 25;
  let over = false;
  const end = ended.then(() => { over = true; });
  for (let at = 0; ; ) {
    const wasOver = over; // then all of it is there
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    at += bytesRead;
    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
    if (bytesRead === 0 && wasOver) return;
    if (bytesRead < buffer.length && !wasOver) await Promise.race([sleep(pauseMs), end]);
  }
}

/** A full disk is told as what it is. */
function complaint(name: string, problem: string, cause: unknown): Error {
  return /No space left/i.test(problem) ? Object.assign(new Error(problem), { code: "ENOSPC" }) : damaged(name, problem, cause);
}

/** xz unpacks with several threads since 5.4, and only that knows how to limit them. */
async function argumentsFor(name: UnpackProgram["name"], program: string, host: HostFacts, intoFile: boolean): Promise<readonly string[]> {
  if (name === "zstd") return ["-q", ...(intoFile ? ["--sparse"] : [])]; // xz leaves holes by itself
  if (name === "bzip2") return ["-q"];
  const version = /(\d+)\.(\d+)/.exec((await host.probe(program, ["--version"])).stdout);
  const knows = version !== null && (Number(version[1]) > 5 || (Number(version[1]) === 5 && Number(version[2]) >= 4));
  return knows ? [`-T${Math.max(1, host.cpus)}`, `--memlimit-mt-decompress=${xzMemory}`] : [];
}

async function feed(packed: AsyncIterable<Uint8Array>, input: Writable): Promise<void> {
  let wake = (): void => {};
  input.on("drain", () => wake()).on("close", () => wake()).on("error", () => {}); // its exit status says why
  for await (const piece of packed) {
    // What is behind the end is read all the same: it is hashed, and kept.
    if (input.destroyed || input.write(piece) || input.destroyed) continue;
    await new Promise<void>((resolve) => { wake = resolve; });
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
