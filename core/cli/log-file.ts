import { mkdirSync, watch } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";

/**
 * Hands over what is appended to a log from byte `from` on, across renames, until the signal aborts. The kernel tells of
 * changes; nothing is polled.
 */
export async function followLog(path: string, from: number, take: (text: string) => void, signal: AbortSignal): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file: FileHandle | undefined;
  let at = from;
  const decoder = new TextDecoder();

  const readOn = async (): Promise<void> => {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = (await file?.read(buffer, 0, buffer.length, at)) ?? { bytesRead: 0 };
      if (bytesRead === 0) return;
      at += bytesRead;
      take(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
    }
  };
  /** Reads what is new. A file of another inode is a new log: the old one is read to its end first. */
  const catchUp = async (): Promise<void> => {
    await readOn();
    const now = await stat(path).catch(() => undefined);
    const mine = await file?.stat();
    if (now && (!mine || mine.ino !== now.ino)) {
      await file?.close();
      if (mine) at = 0;
      file = await open(path, "r");
      await readOn();
    } else if (now && now.size < at) {
      at = 0;
      await readOn();
    }
  };

  let working = Promise.resolve();
  const ended = new AbortController();
  const end = (reason?: unknown): void => ended.abort(reason);
  const step = (): void => {
    working = working.then(catchUp).catch(end);
  };
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || name === basename(path)) step();
  });
  watcher.on("error", end);
  const interrupt = (): void => end(interrupted);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    step();
    if (signal.aborted) interrupt();
    if (!ended.signal.aborted) await new Promise((resolve) => ended.signal.addEventListener("abort", resolve, { once: true }));
    await working;
    if (ended.signal.reason !== interrupted) throw ended.signal.reason;
  } finally {
    watcher.close();
    signal.removeEventListener("abort", interrupt);
    await file?.close();
  }
}

const interrupted = Symbol("interrupted");
