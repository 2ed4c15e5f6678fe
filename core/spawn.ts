import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { CommandRecord } from "./command.ts";
import { MachineError } from "./errors.ts";
import { trimLog } from "./trim-log.ts";

/** Variables that a child gets beside its own: enough to find libraries and a home, no secrets. */
const passedOn = ["PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "USER", "LOGNAME"];

/**
 * Spawns a program that outlives us: a session of its own, standard input closed, its output straight into a file, so that
 * it holds no pipe of ours. On node's own spawn: the keeper stays resident, and execa would add some 8 MB to it.
 * Throws MachineError "missing-program" when it cannot be run.
 */
export async function spawnDetached(record: CommandRecord, logFile: string, environment: Readonly<Record<string, string | undefined>>): Promise<ChildProcess & { readonly pid: number }> {
  trimLog(logFile);
  const output = openSync(logFile, "a", 0o600);
  try {
    const env = { ...Object.fromEntries(passedOn.flatMap((key) => (environment[key] === undefined ? [] : [[key, environment[key]]]))), ...record.env };
    const child = spawn(record.program, [...record.argv], { cwd: record.cwd ?? "/", env, detached: true, stdio: ["ignore", output, output] });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => reject(new MachineError("missing-program", `cannot run ${record.program}: ${cause.message}`, { cause })));
    });
    return child as ChildProcess & { readonly pid: number };
  } finally {
    closeSync(output);
  }
}

/** A whole environment, for a program that is to find what we find. */
export function definedIn(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}
