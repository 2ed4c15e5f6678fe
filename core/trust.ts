import { statSync, type Stats } from "node:fs";
import { dirname } from "node:path";

/**
 * Why somebody else may have written what stands in a file, or put the file there: it would be run with the user's rights. Undefined
 * where only the user and root can have. As root, what belongs to the user who called sudo is somebody else's too.
 */
export function doubtOf(file: string, uid: number): string | undefined {
  const folder = statSync(dirname(file));
  const isSticky = (folder.mode & 0o1000) !== 0;
  const found = statSync(file);
  if (isForeign(folder, uid)) return `lies in a folder of user ${folder.uid}'s`;
  // In a sticky folder others make files of their own, and leave the user's alone.
  if (isOpen(folder) && !isSticky) return `lies in a folder that ${whoWrites(folder)} may write to`;
  if (isForeign(found, uid)) return `belongs to user ${found.uid}`;
  if (isOpen(found)) return `can be changed by ${whoWrites(found)}`;
  return undefined;
}

/** Why somebody else may put something into a folder, or what is there may be somebody else's. Undefined where neither is so. */
export function doubtOfFolder(path: string, uid: number): string | undefined {
  const folder = statSync(path);
  if (isForeign(folder, uid)) return `belongs to user ${folder.uid}`;
  return isOpen(folder) ? `can be written to by ${whoWrites(folder)}` : undefined;
}

function isForeign({ uid: owner }: Stats, uid: number): boolean {
  return owner !== uid && owner !== 0;
}

/** A user's own group has the user's number, where the system gives each user one: nobody else is in it. */
function isOpen({ mode, uid, gid }: Stats): boolean {
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== uid && gid !== 0);
}

function whoWrites({ mode, gid }: Stats): string {
  return (mode & 0o002) !== 0 ? "everybody" : `group ${gid}`;
}
