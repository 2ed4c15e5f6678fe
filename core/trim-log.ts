import { closeSync, fstatSync, ftruncateSync, openSync, readSync, watch, writeFileSync } from "node:fs";

/** Bytes at which a log is cut. */
const logLimit = 4 * 2 ** 20;
/** Bytes of its end that are kept then, in NAME.1. */
const kept = 2 ** 20;
/** Looked at so often while it grows, and where the system tells of no change. */
const eagerMs = 100;
const lazyMs = 2000;

/**
 * Cuts a log that a program writes by itself, where it has grown beyond its limit: its end becomes NAME.1, and it begins anew. Whoever has
 * opened it for appending goes on writing at its new end.
 */
export function trimLog(path: string, limit = logLimit): void {
  let file: number;
  try {
    file = openSync(path, "r+");
  } catch {
    return; // none yet
  }
  try {
    const { size } = fstatSync(file);
    if (size <= limit) return;
    keepEnd(file, size, `${path}.1`);
    ftruncateSync(file, 0);
  } catch {
    // A log must not end what it watches.
  } finally {
    closeSync(file);
  }
}

function keepEnd(file: number, size: number, older: string): void {
  try {
    const tail = Buffer.alloc(Math.min(kept, size));
    writeFileSync(older, tail.subarray(0, readSync(file, tail, 0, tail.length, size - tail.length)), { mode: 0o600 });
  } catch {
    // On a full disk the end is lost as well: what it takes is needed more.
  }
}

/** Keeps a log within its limit, but for what is written in a tenth of a second, until the function returned is called. */
export function watchLog(path: string, limit = logLimit): () => void {
  let due: NodeJS.Timeout | undefined;
  const look = (): void => {
    due ??= setTimeout(() => {
      due = undefined;
      trimLog(path, limit);
    }, eagerMs).unref();
  };
  const watcher = startWatch(path, look);
  const lazy = watcher ? undefined : setInterval(look, lazyMs).unref();
  look();
  return () => {
    clearInterval(lazy);
    clearTimeout(due);
    watcher?.close();
    trimLog(path, limit);
  };
}

function startWatch(path: string, look: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(path, { persistent: false }, look);
    return watcher.on("error", () => watcher.close());
  } catch {
    return undefined; // the host has no watches left
  }
}
