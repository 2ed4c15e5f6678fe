import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { CommandRecord } from "../command.ts";
import { endGroup, killGroup } from "../process-group.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../process-identity.ts";
import { spawnDetached } from "../spawn.ts";
import { watchLog } from "../trim-log.ts";
import { pause } from "./again.ts";
import { readable } from "./console.ts";
import { deferred } from "./deferred.ts";

export type ChildRole = "forwarder" | "helper" | "vm";
/** How a process ended. Both are null for one that was not our child: its status went to its parent. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that the keeper is the parent of, or has taken over. It holds no pipe of the keeper's, so it outlives it. */
export interface Child {
  readonly name: string;
  /** Base name. */
  readonly program: string;
  readonly role: ChildRole;
  readonly identity: ProcessIdentity;
  /** Where its output goes. */
  readonly logFile: string;
  /** Resolves when it has ended, and whatever it started with it. */
  readonly exited: Promise<ChildExit>;
  readonly hasExited: () => boolean;
}

/** Spawns a command of the plan, output appended to a log file. */
export async function spawnChild(record: CommandRecord, role: ChildRole, logFile: string, environment: Readonly<Record<string, string | undefined>>): Promise<Child> {
  const exit = deferred<ChildExit>();
  let gone = false;
  const child = await spawnDetached(record, logFile, environment);
  // The process may have ended before we look; its identity then matches nothing, which is right.
  const identity = identityOf(child.pid) ?? { pid: child.pid, startTime: "gone", bootId: "gone" };
  child.once("exit", (code, signal) => {
    // What a wrapper leaves behind would be in the way of the one that comes next.
    void endGroup(identity).then(() => {
      gone = true;
      exit.resolve({ code, signal });
    });
  });
  void exit.promise.then(watchLog(logFile));
  return { name: record.name, program: basename(record.program), role, identity, logFile, exited: exit.promise, hasExited: () => gone };
}

/** What is written down of a child. */
export type ChildRecord = Pick<Child, "name" | "program" | "role" | "identity">;

/** How often a process that was taken over is looked at: its end is told to its parent alone. On a Mac a look is a program. */
const isDear = process.platform === "darwin";
const lookMs = isDear ? 2000 : 500;

/** Takes over a process that another keeper spawned. How it ends cannot be known. */
export function adoptChild({ name, program, role, identity }: ChildRecord, logFile: string): Child {
  const exit = deferred<ChildExit>();
  let gone = false;
  const timer = setInterval(() => {
    if (isAlive(identity)) return;
    clearInterval(timer);
    void endGroup(identity).then(() => {
      gone = true;
      exit.resolve({ code: null, signal: null });
    });
  }, lookMs).unref();
  void exit.promise.then(watchLog(logFile));
  return { name, program, role, identity, logFile, exited: exit.promise, hasExited: () => gone || (!isDear && !isAlive(identity)) };
}

/** Asks a child to end, and ends it when it has not within the limit. What it started itself goes with it. */
export async function endChild(child: Child, limitMs: number): Promise<void> {
  if (!child.hasExited()) {
    killGroup(child.identity, "SIGTERM");
    await Promise.race([child.exited, pause(limitMs)]);
  }
  killGroup(child.identity, "SIGKILL");
  await child.exited;
}

/** How a process ended, in words. */
export function describeExit({ code, signal }: ChildExit): string {
  if (signal) return `was ended by ${signal}`;
  return code === null ? "has ended" : `exited with ${code}`;
}

/** The last lines that a child printed. */
export function lastWords({ logFile }: Child, count = 8): string[] {
  const texts = [`${logFile}.1`, logFile].map((path) => {
    try {
      return readFileSync(path, "latin1").slice(-8192);
    } catch {
      return "";
    }
  });
  return readable(texts.join("")).slice(-count);
}
