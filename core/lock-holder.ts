import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { codeOf } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.ts";

/** Who holds a lock, as the lock file says. */
export interface LockHolder extends ProcessIdentity {
  /** What it does meanwhile, for the messages of others: "glowplug start web". */
  readonly purpose: string;
  /** Tells two locks of one process apart. */
  readonly token: string;
}

/** What a lock file says: a holder, or "unreadable" for one that a power failure cut; a lock is only ever linked complete. */
export type LockText = LockHolder | "unreadable";

/** Who holds a lock now; undefined when it is free. A dead holder holds nothing. */
export function lockHolder(path: string): LockHolder | undefined {
  const text = readLock(path);
  return text !== undefined && isHeld(text) ? text : undefined;
}

/** Whether the holder is a process that still runs. */
export function isHeld(text: LockText): text is LockHolder {
  return text !== "unreadable" && isAlive(text);
}

/** Whether both are the same taking of a lock. */
export function isSameLock(a: LockText, b: LockText): boolean {
  return a === "unreadable" || b === "unreadable" ? a === b : a.token === b.token;
}

/** What stands in a lock file; undefined where there is none. */
export function readLock(path: string): LockText | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isHolder(value) ? value : "unreadable";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    if (error instanceof SyntaxError) return "unreadable";
    throw error;
  }
}

/** This process as the holder of a lock. */
export function thisHolder(purpose: string): LockHolder {
  const identity = identityOf(process.pid);
  if (!identity) throw new MachineError("internal", `process ${process.pid} cannot find itself among the processes`, { hint: "Is /proc mounted?" });
  return { ...identity, purpose, token: randomBytes(8).toString("hex") };
}

function isHolder(value: unknown): value is LockHolder {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return Number.isSafeInteger(fields["pid"]) && ["startTime", "bootId", "purpose", "token"].every((name) => typeof fields[name] === "string");
}
