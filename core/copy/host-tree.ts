import type { Stats } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, readlink, rm, stat, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../atomic.ts";
import { MachineError, messageOf } from "../errors.ts";
import type { FileInfo, FileTree } from "./tree.ts";

/** The files of this host. */
export const hostTree: FileTree = {
  place: "this host",
  find: (path) => found(stat(path), path),
  findLink: (path) => found(lstat(path), path),
  list: (folder) => refused(folder, async () => {
    const names = (await readdir(folder)).sort();
    return Promise.all(names.map(async (name) => ({ name, ...infoOf(await lstat(join(folder, name))) })));
  }),
  readLink: (path) => refused(path, () => readlink(path)),
  makeFolder: (path) => refused(path, () => mkdir(path, { mode: 0o700 })),
  makeLink: (target, path) => refused(path, () => symlink(target, path)),
  makeFile: (path) => refused(path, async () => (await open(path, "wx", 0o600)).close()),
  setMode: (path, mode) => refused(path, () => chmod(path, mode)),
  setModified: (path, modified) => refused(path, () => utimes(path, modified, modified)),
  remove: (path) => refused(path, () => rm(path, { force: true })),
};

async function found(stats: Promise<Stats>, path: string): Promise<FileInfo | undefined> {
  return refused(path, () => stats.then(infoOf, (error: unknown) => {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }));
}

async function refused<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new MachineError("disk", `${path} of this host: ${messageOf(cause)}`, { cause });
  }
}

function infoOf(stats: Stats): FileInfo {
  const kind = stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other";
  return { kind, mode: stats.mode & 0o7777, size: stats.size, modified: Math.floor(stats.mtimeMs / 1000) };
}
