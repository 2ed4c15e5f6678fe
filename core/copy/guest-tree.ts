import { isMachineError, MachineError } from "../errors.ts";
import type { GuestFileInfo, GuestFiles } from "../ssh.ts";
import type { FileInfo, FileTree } from "./tree.ts";

/** The files of a guest. What the guest says is looked at: a name that leads elsewhere is refused. */
export function guestTree(files: GuestFiles): FileTree {
  return {
    place: "the guest",
    find: (path) => found(files.stat(path)),
    findLink: (path) => found(files.lstat(path)),
    list: async (folder) => {
      const entries = await files.readdir(folder);
      for (const { name } of entries) checkName(name, folder);
      return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    readLink: (path) => files.readlink(path),
    makeFolder: (path) => files.mkdir(path, 0o700),
    makeLink: (target, path) => files.symlink(target, path),
    // Putting a file there makes it, and sets its mode before its first byte.
    makeFile: async () => {},
    setMode: (path, mode) => files.chmod(path, mode),
    setModified: (path, modified) => files.utimes(path, modified, modified),
    remove: (path) => files.remove(path),
  };
}

async function found(info: Promise<GuestFileInfo>): Promise<FileInfo | undefined> {
  try {
    return await info;
  } catch (error) {
    if (isMachineError(error) && error.code === "not-found") return undefined;
    throw error;
  }
}

function checkName(name: string, folder: string): void {
  if (name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)) return;
  throw new MachineError("ssh", `the guest tells of a file in ${folder} whose name is none: ${JSON.stringify(name)}`, { hint: "Do not trust this guest." });
}
