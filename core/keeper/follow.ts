import { closeSync, fstatSync, openSync, readSync, statSync, watch, type FSWatcher } from "node:fs";

/** Looked at so often where the system tells of no change. */
const intervalMs = 1000;

/**
 * Hands over what a file holds and what is written to it, until the function returned is called; that one takes the rest. A file
 * that is not there yet is waited for, and one that was cut short is read from its beginning. With `fromEnd` only what is written from now on.
 */
export function followFile(path: string, take: (bytes: Buffer) => void, fromEnd = false): () => void {
  const buffer = Buffer.alloc(64 * 1024);
  let watcher: FSWatcher | undefined;
  let offset = fromEnd ? (statSync(path, { throwIfNoEntry: false })?.size ?? 0) : 0;
  const look = (): void => {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch {
      return;
    }
    try {
      watcher ??= watch(path, { persistent: false }, look).on("error", () => {});
      if (fstatSync(file).size < offset) offset = 0;
      for (let count = readSync(file, buffer, 0, buffer.length, offset); count > 0; count = readSync(file, buffer, 0, buffer.length, offset)) {
        offset += count;
        take(Buffer.from(buffer.subarray(0, count)));
      }
    } finally {
      closeSync(file);
    }
  };
  const again = setInterval(look, intervalMs).unref();
  look();
  return () => {
    clearInterval(again);
    look();
    watcher?.close();
  };
}
