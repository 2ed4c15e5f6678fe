import { randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, mkdirSync, openSync, renameSync } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MachineError, messageOf } from "./errors.ts";
import { checkWay } from "./safe-way.ts";
import { identityOf } from "./process-identity.ts";

/**
 * Replaces a file whole or not at all, also when the power goes: whoever reads it finds the old text or the new one.
 * Default mode: 0600. `mayReplace` is asked at the last moment; false, and so is the result, where it says no.
 * Throws MachineError "disk" with the path and the reason.
 */
export async function writeFileDurably(path: string, text: string | Uint8Array, mode = 0o600, mayReplace: () => boolean = () => true): Promise<boolean> {
  const folder = dirname(path);
  const fresh = freshNameFor(path);
  try {
    await writeAndSync(fresh, text, mode);
    const replaced = mayReplace();
    if (replaced) renameSync(fresh, path);
    else await rm(fresh, { force: true });
    await syncFolder(folder);
    await removeLeftovers(path);
    return replaced;
  } catch (cause) {
    await rm(fresh, { force: true });
    throw diskError(`${path} could not be written`, cause);
  }
}

/** A name beside a file for what is to take its place. `removeLeftovers` knows such names. */
export function freshNameFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
}

/**
 * Removes what writers of this file left beside it when they were killed. Its name says whose it was: no clock is asked, and a living
 * writer's file stays.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const name = basename(path);
  for (const entry of await readdir(folder).catch(() => [])) {
    const writer = entry.startsWith(`.${name}.`) ? /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(entry.slice(name.length + 2))?.[1] : undefined;
    if (writer !== undefined && identityOf(Number(writer)) === undefined) await rm(join(folder, entry), { force: true });
  }
}

/** Makes what another program wrote into a file last. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes names that were added to or taken from a folder last; without it a rename may be undone by a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error; // some network file systems have no such thing
  } finally {
    await handle.close();
  }
}

/**
 * Makes sure that a folder is there, belongs to this user and is closed to all others (0700), its missing parents as well.
 * Throws MachineError "conflict" for a symbolic link, for something else of that name, and for a folder that is somebody else's or that
 * somebody else could replace.
 */
export function makePrivateFolder(path: string): void {
  checkWay(dirname(path));
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST" && codeOf(cause) !== "ENOTDIR") throw diskError(`the folder ${path} could not be made`, reasonOf(path, cause));
  }
  const folder = openFolder(path);
  // All that follows goes through the open folder, so that nobody can put a link in its place in between.
  try {
    const found = fstatSync(folder);
    const user = process.getuid?.();
    if (user !== undefined && found.uid !== user) throw conflict(path, `belongs to user ${found.uid}, not to user ${user}`);
    if ((found.mode & 0o777) !== 0o700) fchmodSync(folder, 0o700);
  } finally {
    closeSync(folder);
  }
}

/** Making folders one below the other, Node says ENOENT where it could not make the first of them (20.20): that one alone tells why. */
function reasonOf(path: string, cause: unknown): unknown {
  if (codeOf(cause) !== "ENOENT") return cause;
  let first = path;
  while (!lstatSync(dirname(first), { throwIfNoEntry: false }) && dirname(first) !== first) first = dirname(first);
  try {
    mkdirSync(first, { mode: 0o700 });
    return cause;
  } catch (reason) {
    return reason;
  }
}

/** The system's short name of a failure: "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** MachineError "disk" for a failed system call, with a hint where the reason is a common one. */
export function diskError(what: string, cause: unknown): MachineError {
  const [reason, hint] = {
    ENOSPC: ["no space is left", "Free some space; `glowplug image prune` removes images that no machine uses."],
    EDQUOT: ["your disk quota is used up", "Free some space; `glowplug image prune` removes images that no machine uses."],
    EACCES: ["permission denied", "Check who owns the folder; was glowplug once run as root?"],
    EPERM: ["permission denied", "Check who owns the folder; was glowplug once run as root?"],
    EROFS: ["the file system is read-only", undefined],
  }[codeOf(cause) ?? ""] ?? [messageOf(cause), undefined];
  return new MachineError("disk", `${what}: ${reason}`, { cause, ...(hint !== undefined && { hint }) });
}

async function writeAndSync(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode); // the umask may have taken bits away
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function conflict(path: string, problem: string, cause?: unknown): MachineError {
  return new MachineError("conflict", `${path} ${problem}`, { hint: "Move it away; glowplug makes its own.", cause });
}

function openFolder(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw conflict(path, `is ${kindOf(path)}, and a folder is needed`, cause);
  }
}

function kindOf(path: string): string {
  try {
    return lstatSync(path).isSymbolicLink() ? "a symbolic link" : "a file";
  } catch {
    return "below something that is no folder";
  }
}
