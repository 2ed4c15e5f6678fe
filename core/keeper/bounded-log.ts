import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** A log file that never takes more than twice its limit: at the limit it becomes `NAME.1`, and a new one begins. */
export class BoundedLog {
  readonly #path: string;
  readonly #limit: number;
  #fd: number;
  #size: number;
  #isClosed = false;

  /** Appends to what is there. The limit is in bytes; default 4 MiB. */
  constructor(path: string, limit = 4 * 2 ** 20) {
    this.#path = path;
    this.#limit = limit;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Writes; a full disk loses log lines and nothing else. What comes after `close` is dropped. */
  write(bytes: Buffer | string): void {
    if (this.#isClosed) return;
    const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    try {
      if (this.#size + data.length > this.#limit && this.#size > 0) this.#rotate();
      writeSync(this.#fd, data);
      this.#size += data.length;
    } catch {
      // A log must not end what it watches.
    }
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.#path, `${this.#path}.1`);
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#size = 0;
  }
}

/** What a log holds, and how long its newer file is in bytes. At its limit the keeper renames a log to NAME.1 and begins a new one. */
export async function readLog(path: string): Promise<{ readonly text: string; readonly size: number } | undefined> {
  const [older, newer] = await Promise.all([`${path}.1`, path].map(readIfThere));
  if (!older && !newer) return undefined;
  return { text: Buffer.concat([older ?? Buffer.alloc(0), newer ?? Buffer.alloc(0)]).toString("utf8"), size: newer?.length ?? 0 };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
