import { closeSync, constants, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../atomic.ts";
import { MachineError } from "../errors.ts";

/** podman's lock of a file, while somebody works on that file. */
export interface HeldOff {
  /** Whether nobody else holds the lock now. */
  isFree(): boolean;
}

export interface LockWait {
  readonly signal?: AbortSignal;
  /** How long to wait for podman, in milliseconds. Default: 30000. */
  readonly timeoutMs?: number;
}

const pollMs = 20;

/**
 * Works on a file when no podman does. podman locks `FILE.lock` with fcntl(2) while it reads and replaces the file (lockfile in
 * go.podman.io/storage). Node has no such call. On macOS a lock that open(2) takes is one to fcntl as well, so we hold the lock. On
 * Linux we cannot: we see who does in /proc/locks, so whoever writes asks `isFree` right before and after.
 * Throws MachineError "busy" when the lock does not come free, and the signal's reason when it aborts.
 */
export async function whileUnlocked<T>(file: string, work: (lock: HeldOff) => Promise<T>, wait: LockWait = {}): Promise<T> {
  const path = `${file}.lock`;
  if (process.platform !== "darwin") {
    await untilFree(path, () => !isLocked(path), wait);
    return work({ isFree: () => !isLocked(path) });
  }
  mkdirSync(dirname(path), { recursive: true });
  let handle: number | undefined;
  await untilFree(path, () => (handle = openLocked(path)) !== undefined, wait);
  try {
    return await work({ isFree: () => true });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** Whether the text of /proc/locks tells of a lock of fcntl's on this inode: "1: POSIX  ADVISORY  WRITE 123 08:01:456 0 EOF" (proc_locks(5)). Lines of those who wait have an arrow. */
export function tellsOfLock(text: string, inode: number): boolean {
  return text.split("\n").some((line) => {
    const [, kind, , , , place] = line.trim().split(/\s+/);
    return (kind === "POSIX" || kind === "OFDLCK") && place?.split(":")[2] === String(inode);
  });
}

async function untilFree(path: string, isFree: () => boolean, { signal, timeoutMs = 30_000 }: LockWait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isFree()) {
    signal?.throwIfAborted();
    if (performance.now() > deadline) throw new MachineError("busy", `another program holds ${path}`, { hint: "A podman that hangs does so: end it, and try again." });
    await sleep(pollMs);
  }
}

function isLocked(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && tellsOfLock(readLocks(), found.ino);
}

/** Without it, as in some sandboxes, there is nothing to see. */
function readLocks(): string {
  try {
    return readFileSync("/proc/locks", "latin1");
  } catch {
    return "";
  }
}

/** O_EXLOCK of macOS's open(2), which Node has no name for: "The flock(2) and fcntl(2) locks are compatible" (fcntl(2) there). */
const lockAtOpen = 0x20;

function openLocked(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | lockAtOpen, 0o644);
  } catch (error) {
    if (codeOf(error) === "EAGAIN" || codeOf(error) === "EWOULDBLOCK") return undefined;
    throw error;
  }
}
