import { rmSync, watch } from "node:fs";
import { link, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf, diskError, freshNameFor, makePrivateFolder, removeLeftovers } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { isHeld, isSameLock, lockHolder, readLock, thisHolder, type LockHolder, type LockText } from "./lock-holder.ts";

export { lockHolder, type LockHolder } from "./lock-holder.ts";

export interface LockOptions {
  /** What it is taken for, for the messages of others: "glowplug start web". */
  readonly purpose: string;
  /** What is locked, for messages. Default: the lock file's name. */
  readonly subject?: string;
  /** How long to wait for another holder, in milliseconds; 0 fails at once. Default: 30000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Where the disk is full or read-only, go on without it, unless somebody holds it: whoever else would begin finds no room for it either. Default: false. */
  readonly evenWithoutRoom?: boolean;
  /** Called once for each holder that has to be waited for, in words: "process 123 (glowplug start web)". */
  onWait?(holder: string): void;
}

/** A lock that this process holds. */
export interface Lock {
  readonly path: string;
  /** Gives it free. Calling it twice is fine. */
  release(): void;
}

/** How often a waiting process looks whether the holder still lives: its death tells nobody. */
const pollMs = 200;

/**
 * Takes a lock that one process at a time can hold: a file that says who. A holder that died, whose pid belongs to somebody else now,
 * or that ran before the host's last boot holds nothing. Missing folders are made.
 * Throws MachineError "busy" naming the holder after `timeoutMs`, and the signal's reason when it aborts.
 */
export async function takeLock(path: string, options: LockOptions): Promise<Lock> {
  const { signal, timeoutMs = 30_000, evenWithoutRoom = false, onWait, subject = basename(path) } = options;
  const deadline = performance.now() + timeoutMs;
  let watched: Watched | undefined;
  let told: string | undefined;
  try {
    makePrivateFolder(dirname(path));
    for (;;) {
      signal?.throwIfAborted();
      const attempt = await tryLock(path, options.purpose);
      if ("lock" in attempt) return attempt.lock;
      const { holder } = attempt;
      const left = deadline - performance.now();
      if (left <= 0) throw busy(subject, holder);
      if (holder.token !== told) onWait?.(inWords(holder));
      told = holder.token;
      // The first time round nothing is waited for: the lock may have been freed before the watch began.
      if (watched) await watched.change(Math.min(pollMs, left), signal);
      else watched = watchFile(path);
    }
  } catch (error) {
    if (evenWithoutRoom && hasNoRoom(error) && !lockHolder(path)) return { path, release() {} };
    throw error;
  } finally {
    watched?.close();
  }
}

/** A lock is a second name of a complete file: link(2) gives it to one of many, and nobody ever reads half a holder. */
async function tryLock(path: string, purpose: string): Promise<{ readonly lock: Lock } | { readonly holder: LockHolder }> {
  const claim = freshNameFor(path);
  try {
    for (;;) {
      const text = readLock(path);
      if (text !== undefined && isHeld(text)) return { holder: text };
      if (text !== undefined) {
        const other = await freeStale(path, text);
        if (other) return { holder: other };
      }
      const self = thisHolder(purpose);
      await writeFile(claim, JSON.stringify(self), { mode: 0o600 }).then(() => link(claim, path)).catch((error: unknown) => {
        if (codeOf(error) === "ENOENT") makePrivateFolder(dirname(path)); // removed together with its machine meanwhile
        else if (codeOf(error) !== "EEXIST") throw error;
      });
      const now = readLock(path);
      if (now !== undefined && isSameLock(now, self)) {
        await removeLeftovers(path);
        await freeGuard(path);
        return { lock: lockFor(path, self) };
      }
    }
  } catch (cause) {
    throw cause instanceof MachineError ? cause : diskError(`the lock ${path} could not be taken`, cause);
  } finally {
    await rm(claim, { force: true });
  }
}

/**
 * Removes the lock of a dead holder. Between reading such a lock and removing it, somebody else may have removed it and taken a fresh one.
 * So only whoever holds a second lock may remove the first, and looks once more before: a dead holder's lock changes in no other way.
 * The second lock is like the first, and is freed in the same way if its holder dies. Its name is none that a machine can have.
 */
async function freeStale(path: string, stale: LockText): Promise<LockHolder | undefined> {
  const guard = await tryLock(guardOf(path), "freeing a dead lock");
  if ("holder" in guard) return guard.holder;
  try {
    const now = readLock(path);
    if (now !== undefined && isSameLock(now, stale)) rmSync(path, { force: true });
    return undefined;
  } finally {
    guard.lock.release();
  }
}

/** Clears away the second lock of a process that died in the middle of that: nobody needs it before the next dead lock. */
async function freeGuard(path: string): Promise<void> {
  const guard = readLock(guardOf(path));
  if (guard !== undefined && !isHeld(guard)) await freeStale(guardOf(path), guard);
}

function guardOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.free`);
}

function lockFor(path: string, self: LockHolder): Lock {
  return {
    path,
    release() {
      const now = readLock(path);
      if (now !== undefined && isSameLock(now, self)) rmSync(path, { force: true });
    },
  };
}

interface Watched {
  /** Resolves when the file has come, gone or changed since the last call; after a while anyway, and when the signal aborts. */
  change(waitMs: number, signal: AbortSignal | undefined): Promise<void>;
  close(): void;
}

/** Watches a file's name. Where the host has no watches left, the polling does without. */
function watchFile(path: string): Watched {
  let changed = false;
  let wake = (): void => {};
  const onChange = (_: string, name: string | null): void => {
    if (name !== null && name !== basename(path)) return;
    changed = true;
    wake();
  };
  const watcher = startWatch(dirname(path), onChange);
  return {
    change: (waitMs, signal) =>
      new Promise((resolve) => {
        wake = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          changed = false;
          resolve();
        };
        const timer = setTimeout(wake, waitMs);
        signal?.addEventListener("abort", wake, { once: true });
        if (changed || signal?.aborted) wake();
      }),
    close: () => watcher?.close(),
  };
}

function startWatch(folder: string, onChange: (event: string, name: string | null) => void): { close(): void } | undefined {
  try {
    const watcher = watch(folder, onChange);
    return watcher.on("error", () => watcher.close());
  } catch {
    return undefined;
  }
}

function hasNoRoom(error: unknown): boolean {
  return error instanceof Error && ["ENOSPC", "EDQUOT", "EROFS"].includes(codeOf(error.cause) ?? "");
}

function inWords(holder: LockHolder): string {
  return `process ${holder.pid} (${holder.purpose})`;
}

function busy(subject: string, holder: LockHolder): MachineError {
  return new MachineError("busy", `${subject} is in use by ${inWords(holder)}`, { hint: `Try again when it is done, or end process ${holder.pid}.` });
}
