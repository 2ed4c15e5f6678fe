import { mkdirSync, readFileSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { codeOf, diskError, writeFileDurably } from "../atomic.ts";
import { takeLock } from "../lock.ts";
import type { Run } from "../run.ts";
import type { BookChange, BookFormat, ConnectionBook } from "./book.ts";
import { confBook } from "./conf-book.ts";
import { jsonBook } from "./json-book.ts";
import { whileUnlocked } from "./podman-lock.ts";

/** A file of podman's that holds connections. */
export interface BookFile {
  readonly path: string;
  /** json: podman 5 and newer. conf: a containers.conf, of podman 4. */
  readonly format: "json" | "conf";
}

const formats: Readonly<Record<BookFile["format"], BookFormat>> = { json: jsonBook, conf: confBook };

/** The connections of a file; none where there is no file. Throws MachineError "bad-config" for one that podman could not read either. */
export async function readBook({ path, format }: BookFile): Promise<ConnectionBook> {
  return formats[format].read(look(path)?.text, path);
}

/**
 * Changes a file of connections, whole or not at all, and leaves alone what is as it should be. `change` may be asked several
 * times, with the file as it is then. Throws as `readBook` does, and MachineError "busy" when another program holds podman's lock.
 */
export async function editBook({ path, format }: BookFile, change: (now: ConnectionBook) => BookChange | undefined, { paths, signal }: Pick<Run, "paths" | "signal">): Promise<void> {
  // Behind a link lies somebody's collection of settings: the file there is the one to replace.
  const file = realPath(path);
  const lock = await takeLock(join(paths.data, "locks/.connections"), { purpose: "changing podman's connections", subject: "the list of podman's connections", signal });
  try {
    while (!(await whileUnlocked(file, (podman) => editOnce(file, formats[format], change, () => podman.isFree()), { signal })));
  } finally {
    lock.release();
  }
}

/** One try; false where somebody else was at it at the same time. */
async function editOnce(file: string, { read, change }: BookFormat, wanted: (now: ConnectionBook) => BookChange | undefined, isFree: () => boolean): Promise<boolean> {
  const before = look(file);
  const order = wanted(await read(before?.text, file));
  const next = order && (await change(before?.text, order, file));
  if (next === undefined || next === before?.text) return true;
  mkdirSync(dirname(file), { recursive: true });
  const mode = before === undefined ? 0o644 : before.stat.mode & 0o777;
  const written = await writeFileDurably(file, next, mode, () => isFree() && isSame(before?.stat, statSync(file, { throwIfNoEntry: false })));
  // Who holds the lock now may have read the old text a moment ago: what comes of it is looked at once more.
  return written && isFree();
}

interface Looked {
  readonly text: string;
  readonly stat: Stats;
}

function look(path: string): Looked | undefined {
  try {
    return { stat: statSync(path), text: readFileSync(path, "utf8") };
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw diskError(`${path} could not be read`, cause);
  }
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.mtimeMs === other?.mtimeMs && one?.size === other?.size;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there yet
  }
}
