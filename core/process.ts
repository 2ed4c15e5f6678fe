import { accessSync, constants, existsSync } from "node:fs";
import type { Options, Result } from "execa";
import { quote, type Command, type CommandRecord } from "./command.ts";
import { MachineError, type ErrorCode } from "./errors.ts";
import { leash } from "./leash.ts";
import type { ProbeResult } from "./model.ts";
import { noTrace, type Trace } from "./run.ts";
import { childSpan } from "./spans.ts";

export interface RunOptions {
  /** Default: `/`. */
  readonly cwd?: string;
  /** Variables added to this process's own. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** In milliseconds; then the program and all it started are ended, and MachineError "deadline" is thrown. Default: none. */
  readonly timeoutMs?: number;
  /** Ends the program and all it started; MachineError "interrupted" is thrown. */
  readonly signal?: AbortSignal;
  /** Text for standard input. Default: none, closed at once. */
  readonly input?: string;
  /** Called for each line as it is printed, without its newline. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Gets a span of the program's life. Default: none. */
  readonly trace?: Trace;
}

/** How long a program may take to obey SIGTERM. */
const graceMs = 5000;
/** What runs for longer ends with us, also where we are killed. A leash costs a process of its own. */
const leashAfterMs = 1000;

/**
 * Runs a program to its end, without a shell, in a session of its own. Never throws for an exit status; 128 + number where a signal ended it.
 * Throws MachineError "missing-program" when it cannot be run, "deadline" and "interrupted" as the options say.
 */
export async function runProgram(program: string, argv: readonly string[], options: RunOptions = {}): Promise<ProbeResult> {
  const { cwd = "/", timeoutMs, signal, onLine, trace = noTrace } = options;
  const { execa } = await loadExeca();
  if (signal?.aborted) throw new MachineError("interrupted", `${program} was not run: interrupted`);
  const lines = (stream: "stdout" | "stderr") =>
    onLine && function* (line: unknown) {
      onLine(String(line), stream);
      yield line;
    };
  const child = execa(program, argv, {
    cwd, reject: false, stripFinalNewline: false, detached: true, cleanup: false, encoding: "utf8",
    ...(options.env && { env: options.env }),
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    ...(onLine && { stdout: lines("stdout"), stderr: lines("stderr") }),
  } as Options);
  const endSpan = childSpan(trace, program, child.pid);

  let stop: "deadline" | "interrupted" | undefined;
  let insist: NodeJS.Timeout | undefined;
  // A program that was started as a group of its own is ended as one: a build leaves no grandchildren behind.
  const end = (why: "deadline" | "interrupted") => (): void => {
    stop ??= why;
    killGroup(child.pid, "SIGTERM");
    insist ??= setTimeout(() => killGroup(child.pid, "SIGKILL"), graceMs);
  };
  const interrupt = end("interrupted");
  const limit = timeoutMs === undefined ? undefined : setTimeout(end("deadline"), timeoutMs);
  // An exit of ours in the middle takes it along, as execa's own clean-up would if it were not detached.
  const exit = (): void => killGroup(child.pid, "SIGTERM");
  signal?.addEventListener("abort", interrupt, { once: true });
  process.once("exit", exit);
  let unleash = (): void => {};
  const longRunning = setTimeout(() => (unleash = child.pid === undefined ? unleash : leash(child.pid)), leashAfterMs).unref();
  try {
    const result = await child;
    if (stop === "interrupted") throw new MachineError("interrupted", `${program} was interrupted`);
    if (stop === "deadline") {
      throw new MachineError("deadline", `${program} did not end within ${(timeoutMs ?? 0) / 1000} s`, { details: lastLines(String(result.stderr)) });
    }
    if (result.exitCode === undefined && result.signal === undefined) throw cannotRun(program, cwd, result);
    return { exitCode: result.exitCode ?? 128 + signalNumber(result), stdout: String(result.stdout ?? ""), stderr: String(result.stderr ?? "") };
  } finally {
    endSpan();
    unleash();
    clearTimeout(longRunning);
    clearTimeout(limit);
    clearTimeout(insist);
    signal?.removeEventListener("abort", interrupt);
    process.off("exit", exit);
  }
}

export interface RunCommandOptions extends Omit<RunOptions, "cwd" | "env"> {
  /** Code of the error when it fails. Default: internal. */
  readonly code?: ErrorCode;
  /** What it is for, for the error: "making the disk". Default: the command's name. */
  readonly title?: string;
  readonly hint?: string;
}

/** Runs a command to its end. Throws a MachineError with the end of what it printed when its exit status is not 0. */
export async function runCommand(command: Command | CommandRecord, options: RunCommandOptions = {}): Promise<ProbeResult> {
  const record = "toRecord" in command ? command.toRecord() : command;
  const { code = "internal", title, hint, ...rest } = options;
  const result = await runProgram(record.program, record.argv, { ...rest, ...(record.cwd !== undefined && { cwd: record.cwd }), ...(record.env && { env: record.env }) });
  if (result.exitCode === 0) return result;
  const details = lastLines(result.stderr.trim() === "" ? result.stdout : result.stderr);
  const why = details.at(-1);
  throw new MachineError(code, `${title === undefined ? "" : `${title}: `}${record.name} ended with exit status ${result.exitCode}${why === undefined ? "" : `: ${why}`}`, {
    details, hint: hint ?? `To see it fail: ${[record.program, ...record.argv].map(quote).join(" ").slice(0, 2000)}`,
  });
}

/** The end of a text, for messages: at most 20 lines, none of them empty. */
export function lastLines(text: string, count = 20): string[] {
  return text.split(/\r?\n|\r/).map((line) => line.trimEnd()).filter((line) => line !== "").slice(-count);
}

/** Loading it takes some 70 ms and 8 MB, which a verb that runs no program, and the keeper, need not pay. What outlives us is spawned in spawn.ts. */
async function loadExeca(): Promise<typeof import("execa")> {
  return await import("execa");
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function cannotRun(program: string, cwd: string, { code, cause }: Pick<Result, "code" | "cause">): MachineError {
  // A missing working folder and a missing program give the same ENOENT.
  if (!existsSync(cwd)) return new MachineError("internal", `cannot run ${program}: its working folder ${cwd} is not there`, { cause });
  if (code === "ENOENT" && !existsSync(program)) {
    return new MachineError("missing-program", `${program} is not there`, { cause, hint: "Install it, or put its folder on PATH." });
  }
  if (code === "EACCES" && !isExecutable(program)) return new MachineError("missing-program", `${program} is not executable`, { cause, hint: `chmod +x ${quote(program)}` });
  return new MachineError("missing-program", `cannot run ${program}: ${code ?? "it did not start"}`, { cause });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Shells report a death by signal as 128 + its number; execa knows names alone. */
const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGABRT: 6, SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 };
function signalNumber({ signal }: { signal?: string }): number {
  return signalNumbers[signal ?? ""] ?? 0;
}
