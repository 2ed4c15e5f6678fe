import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { codeOf, writeFileDurably } from "./atomic.ts";
import { MachineError, messageOf } from "./errors.ts";
import { readObject } from "./json.ts";
import { keyBlob, type KeyPair } from "./keys.ts";
import type { LocatedImage } from "./located-image.ts";
import type { MachinePaths } from "./paths.ts";
import type { MachineRecord } from "./record.ts";
import type { Run } from "./run.ts";
import { isOurs } from "./safe-way.ts";

/** How to get into the guest of a disk that outlived its machine. Its first boot is over, so it takes no other key and no other user. */
export interface KeptAccess {
  readonly user: string;
  readonly uid: number;
  /** The guest's own, public; empty where no login has shown it yet. */
  readonly hostKey: string;
  /** The guest was made elsewhere: see the record. */
  readonly readyByLogin: boolean;
  /** That of the login. */
  readonly keys: KeyPair;
}

const names = { access: "access.json", key: "id_ed25519" } as const;

/** The files that a disk needs to be of use once its machine is gone, the disk first. */
export function filesOfKeptDisk({ disk, access, key, publicKey }: MachinePaths): readonly string[] {
  return [disk, access, key, publicKey];
}

/**
 * Writes down beside a disk who is let in, for a machine that is made of it later. A guest that never booted takes whatever its first boot says, and
 * cloud-init has a first boot for each machine.
 */
export async function writeAccess({ lastUp, firstBoot, readyByLogin = false, ssh: { user, uid, hostKey } }: MachineRecord, files: MachinePaths): Promise<void> {
  // A first start may fail after the first boot was done.
  const hasBooted = lastUp !== null || existsSync(files.log("serial")) || existsSync(files.access);
  if (hasBooted && firstBoot === "ignition") await saveAccess({ user, uid, hostKey, readyByLogin }, files);
}

/** The same of a machine that is made of a kept disk, which may be kept once more before it ran. */
export async function saveAccess({ user, uid, hostKey, readyByLogin }: Omit<KeptAccess, "keys">, { access }: MachinePaths): Promise<void> {
  await writeFileDurably(access, `${JSON.stringify({ version: 1, user, uid, hostKey, readyByLogin }, null, 2)}\n`);
}

/**
 * How to get into the guest of an image, where that is a disk that `rm --save-image` left; else undefined. Throws MachineError "bad-image" where
 * what lies beside the disk is damaged or somebody else's, and "bad-spec" where another user is asked for than the guest has.
 */
export async function keptAccess(image: LocatedImage, wantedUser: string, { cwd }: Pick<Run, "cwd">): Promise<KeptAccess | undefined> {
  if (image.kind !== "local") return undefined;
  const path = resolve(cwd, image.path);
  const text = readBeside(path, names.access);
  if (text === undefined) return undefined;
  const read = readObject(text);
  const { version, user, uid, hostKey, readyByLogin } = "object" in read ? read.object : {};
  const { readKeyPair } = await import("./ssh.ts"); // late: ssh2 takes its time
  const keys = readKeyPair(readBeside(path, names.key) ?? "");
  if (version !== 1 || typeof user !== "string" || !Number.isSafeInteger(uid) || typeof hostKey !== "string" || !(hostKey === "" || isKey(hostKey)) || !keys) {
    throw new MachineError("bad-image", `${path} was a machine's disk, and its guest lets in one key alone; ${names.access} or ${names.key} beside it is missing or damaged`, {
      hint: `Put back what \`rm --save-image\` left there; without ${names.access} the disk is taken for one whose first boot is yet to come.`,
    });
  }
  if (user !== wantedUser) throw new MachineError("bad-spec", `the guest of ${path} has had its first boot: its user is ${user}, and ${wantedUser} was asked for`, { hint: `Say \`--username ${user}\`.` });
  return { user, uid: Number(uid), hostKey, readyByLogin: readyByLogin === true, keys };
}

/** A file that lies where the disk lies; undefined where there is none. */
function readBeside(disk: string, name: string): string | undefined {
  try {
    const path = join(dirname(realpathSync(disk)), name);
    const { uid } = statSync(path);
    if (!isOurs({ uid })) throw new MachineError("bad-image", `${path} belongs to user ${uid}, who could say with it whom you let in`, { hint: "Copy the disk to a folder of your own, with what lies beside it." });
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    if (error instanceof MachineError) throw error;
    throw new MachineError("bad-image", `${name} beside ${disk} cannot be read: ${messageOf(error)}`, { cause: error, hint: "See to it that you may read it." });
  }
}

function isKey(line: string): boolean {
  try {
    return keyBlob(line).length > 0;
  } catch {
    return false;
  }
}
