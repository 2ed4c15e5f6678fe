import { readFileSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codeOf, writeFileDurably } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { readObject } from "./json.ts";
import { keyBlob, type KeyPair } from "./keys.ts";
import type { LocatedImage } from "./located-image.ts";
import type { MachinePaths } from "./paths.ts";
import type { MachineRecord } from "./record.ts";
import type { Run } from "./run.ts";

/** How to get into the guest of a disk that outlived its machine. Its first boot is over, so it takes no other key and no other user. */
export interface KeptAccess {
  readonly user: string;
  readonly uid: number;
  /** The guest's own, public. */
  readonly hostKey: string;
  /** That of the login. */
  readonly keys: KeyPair;
}

const names = { access: "access.json", key: "id_ed25519", publicKey: "id_ed25519.pub" } as const;

/** The files that a disk needs to be of use once its machine is gone, the disk first. */
export function filesOfKeptDisk({ disk, access, key, publicKey }: MachinePaths): readonly string[] {
  return [disk, access, key, publicKey];
}

/**
 * Writes down beside a disk who is let in, for a machine that is made of it later. A guest that never ran takes whatever its first boot says, and
 * cloud-init has a first boot for each machine.
 */
export async function writeAccess({ lastUp, firstBoot, ssh: { user, uid, hostKey } }: MachineRecord, { access }: MachinePaths): Promise<void> {
  if (lastUp === null || firstBoot !== "ignition") return;
  await writeFileDurably(access, `${JSON.stringify({ version: 1, user, uid, hostKey }, null, 2)}\n`);
}

/**
 * How to get into the guest of an image, where that is a disk that `rm --save-image` left; else undefined. Throws MachineError "bad-image" where
 * what lies beside the disk is damaged, and "bad-spec" where another user is asked for than the guest has.
 */
export function keptAccess(image: LocatedImage, wantedUser: string, { cwd }: Pick<Run, "cwd">): KeptAccess | undefined {
  if (image.kind !== "local") return undefined;
  const path = resolve(cwd, image.path);
  const text = readBeside(path, names.access);
  if (text === undefined) return undefined;
  const read = readObject(text);
  const { version, user, uid, hostKey } = "object" in read ? read.object : {};
  const [privateKey, publicKey] = [readBeside(path, names.key), readBeside(path, names.publicKey)];
  if (version !== 1 || typeof user !== "string" || !Number.isSafeInteger(uid) || typeof hostKey !== "string" || !isKey(hostKey) || privateKey === undefined || publicKey === undefined || !isKey(publicKey)) {
    throw new MachineError("bad-image", `${path} was a machine's disk, and its guest lets in one key alone; ${names.access}, ${names.key} or ${names.publicKey} beside it is missing or damaged`, {
      hint: `Put back what \`rm --save-image\` left there; without ${names.access} the disk is taken for one whose first boot is yet to come.`,
    });
  }
  if (user !== wantedUser) throw new MachineError("bad-spec", `the guest of ${path} has had its first boot: its user is ${user}, and ${wantedUser} was asked for`, { hint: `Say \`--username ${user}\`.` });
  return { user, uid: Number(uid), hostKey, keys: { privateKey, publicKey: publicKey.trim() } };
}

/** A file that lies where the disk lies; undefined where there is none. */
function readBeside(disk: string, name: string): string | undefined {
  try {
    return readFileSync(resolve(dirname(realpathSync(disk)), name), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw new MachineError("bad-image", `${name} beside ${disk} cannot be read: ${codeOf(error) ?? ""}`, { cause: error, hint: "It is as private as the disk's owner wants it." });
  }
}

function isKey(line: string): boolean {
  try {
    return keyBlob(line).length > 0;
  } catch {
    return false;
  }
}
