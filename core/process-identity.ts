import { readFileSync } from "node:fs";

/** What tells one process from every other that ever had its number: a pid alone is soon given to somebody else. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words: clock ticks since boot on Linux, a date on macOS. */
  readonly startTime: string;
  /** Changes at every boot of the host. */
  readonly bootId: string;
}

/** Who runs under a pid now; undefined where nobody does, and for a process that has ended and waits for its parent. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "darwin" ? macStartTime(pid) : linuxStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() };
}

/** Whether the very process that was recorded still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Sends a signal to the very process that was recorded, never to one that got its number later. False where it has ended. */
export function killIdentity(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** Field 22 of /proc/PID/stat, proc_pid_stat(5). The name in field 2 may hold blanks and brackets, so it is cut off first. */
function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function macStartTime(pid: number): string | undefined {
  const text = output("/bin/ps", ["-o", "state=,lstart=", "-p", String(pid)]);
  return text === undefined || text === "" || text.startsWith("Z") ? undefined : text.replace(/^\S+\s+/, "");
}

/** Changes at every boot of the host. */
export function bootId(): string {
  if (process.platform === "darwin") return output("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"]) ?? "";
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function output(program: string, argv: readonly string[]): string | undefined {
  try {
    // Not imported above: only macOS needs it, and every verb reads this file.
    const { execFileSync } = process.getBuiltinModule("node:child_process");
    return execFileSync(program, argv, { encoding: "utf8", env: { LC_ALL: "C" }, stdio: ["ignore", "pipe", "ignore"], timeout: 5000 }).trim();
  } catch {
    return undefined;
  }
}
