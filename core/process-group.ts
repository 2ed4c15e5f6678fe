import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { bootId, identityOf, type ProcessIdentity } from "./process-identity.ts";

/**
 * Sends a signal to a process that began a session (spawn.ts) and to whatever it started, also when it has ended itself: a wrapper such as
 * bubblewrap may die before the program in it. False where nobody is left.
 */
export function killGroup(leader: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isOurs(leader)) return false;
  try {
    return process.kill(-leader.pid, signal);
  } catch {
    return false;
  }
}

/** Ends all of them; resolves when they are gone, or when the system has not let them go for 10 seconds. */
export async function endGroup(leader: ProcessIdentity): Promise<void> {
  for (const until = performance.now() + 10_000; killGroup(leader, "SIGKILL") && isGroupAlive(leader) && performance.now() < until; ) await setTimeout(20);
}

/** Whether anybody of the session's first group still runs. */
export function isGroupAlive(leader: ProcessIdentity): boolean {
  if (!isOurs(leader)) return false;
  if (process.platform === "linux") return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && groupOf(pid) === leader.pid);
  try {
    return process.kill(-leader.pid, 0);
  } catch {
    return false;
  }
}

/** A number that names a living group is given to no new process, so whoever has it now either is the leader, or tells that the group is gone. */
function isOurs(leader: ProcessIdentity): boolean {
  if (leader.bootId !== bootId()) return false;
  const now = identityOf(leader.pid);
  return now === undefined || now.startTime === leader.startTime;
}

/** The group of a process that runs: fields 3 and 5 of /proc/PID/stat, proc_pid_stat(5). */
function groupOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "Z", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : Number(group);
  } catch {
    return undefined;
  }
}
