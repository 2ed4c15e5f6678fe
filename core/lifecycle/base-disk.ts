import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { MachineError } from "../errors.ts";
import { isWhole, readImage } from "../image-store.ts";
import { noImage, type MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { hashFile } from "../sparse-copy.ts";

/**
 * Refuses to boot from an overlay whose base is gone or was changed: the guest would see a broken disk, and write to it. Size and time stamp tell,
 * and its checksum where the stamp differs or its image.json is damaged. A disk that is a whole copy needs no base. Throws MachineError "digest" or "not-found".
 */
export async function checkBase({ name, image, disk }: Pick<MachineRecord, "name" | "image" | "disk">, { signal }: Pick<Run, "signal">): Promise<void> {
  if (disk.format !== "qcow2" || image.id === noImage) return;
  const hint = `Bring the very same image in again with \`glowplug image pull\` or \`glowplug init\`, and ${name} is whole. It came from ${image.origin}.`;
  if (!existsSync(image.path)) throw new MachineError("not-found", `the disk of ${name} stands on an image that is gone: ${image.path}`, { hint });
  const store = dirname(dirname(image.path));
  const stored = readImage(store, image.id);
  if (stored ? await isWhole(store, stored, { signal }) : (await hashFile(image.path, { signal })) === image.id) return;
  throw new MachineError("digest", `the disk of ${name} stands on a damaged image: ${image.path} is not what it was`, { hint });
}
