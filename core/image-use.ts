import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { diskError } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { openIncoming } from "./image-add.ts";
import { listImages, storedDisk, unreadableImages, withStore, type StoredImage, type UnreadableImage } from "./image-store.ts";
import { lockHolder, takeLock } from "./lock.ts";
import { removePartials } from "./partial.ts";
import type { Paths } from "./paths.ts";
import { listRecords } from "./store.ts";
import { hashFile, type CopyOptions } from "./sparse-copy.ts";

/** Who needs the images of the store. */
export interface ImageUse {
  /** By image: names of the machines whose disks stand on it, and "process 123" where a machine is just being made of it. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  /** Machines whose records cannot be read: any image might be theirs. */
  readonly unknown: readonly string[];
}

/** Tells who needs which image. */
export function imageUse(paths: Paths): ImageUse {
  const users = new Map<string, string[]>();
  const add = (id: string, user: string): void => void users.set(id, [...(users.get(id) ?? []), user]);
  const { records, damaged } = listRecords(paths);
  for (const record of records) add(record.image.id, record.name);
  for (const { id, pid } of marks(paths.store)) add(id, `process ${pid}`);
  return { users, unknown: damaged.map(({ name }) => name) };
}

/** Keeps an image in the store as long as this process lives: from its arrival to the record that names it nothing else does. */
export async function markUse(store: string, id: string): Promise<void> {
  marks(store);
  await takeLock(join(store, "uses", `${id}.${randomBytes(4).toString("hex")}`), { purpose: "making a machine" });
}

/** Removes an image. Throws MachineError "not-found" for none, "wrong-state" when a machine may need it. */
export async function removeImage(paths: Paths, id: string): Promise<StoredImage | UnreadableImage> {
  const image = findById(paths.store, id);
  const { users, unknown } = imageUse(paths);
  const by = users.get(image.id) ?? [];
  if (by.length > 0) throw new MachineError("wrong-state", `the image ${short(image)} is in use by ${by.join(", ")}`, { hint: "Remove those machines first." });
  if (unknown.length > 0) throw new MachineError("wrong-state", `the image ${short(image)} may be in use: the record of ${unknown.join(", ")} cannot be read`, { hint: "`glowplug list` says what is wrong with it." });
  await drop(paths.store, [image]);
  return image;
}

/** Removes every image that no machine needs, and returns them; downloads that broke off go as well. Throws MachineError "wrong-state" when a record cannot be read. */
export async function pruneImages(paths: Paths): Promise<readonly (StoredImage | UnreadableImage)[]> {
  const { users, unknown } = imageUse(paths);
  if (unknown.length > 0) throw new MachineError("wrong-state", `no image was removed: the record of ${unknown.join(", ")} cannot be read, so any image might be in use`, { hint: "`glowplug list` says what is wrong with it." });
  const unused = allIn(paths.store).filter((image) => !users.has(image.id) && !("isForeign" in image && image.isForeign));
  await drop(paths.store, unused);
  removePartials(paths);
  return unused;
}

/** Hashes an image anew. Throws MachineError "digest" when it is not what it was or cannot be read, "not-found" for none. */
export async function verifyImage(paths: Paths, id: string, options?: CopyOptions): Promise<StoredImage> {
  const image = findById(paths.store, id);
  if ("problem" in image) throw new MachineError("digest", `the image ${short(image)} is damaged: ${image.problem}`, { hint: "The next init that needs it brings it in anew; `glowplug doctor` tells which machines stand on it." });
  const found = await hashFile(storedDisk(paths.store, image), options).catch(() => "no disk");
  if (found === image.id) return image;
  throw new MachineError("digest", `the image ${short(image)} is damaged: expected sha256 ${image.id}, found ${found}`, { hint: "The next init that needs it makes it anew; machines on it may be damaged as well." });
}

/** The image whose id begins like this. */
function findById(store: string, id: string): StoredImage | UnreadableImage {
  const found = /^[0-9a-f]{4,64}$/.test(id) ? allIn(store).filter((image) => image.id.startsWith(id)) : [];
  if (found.length === 1 && found[0]) return found[0];
  throw new MachineError("not-found", found.length > 1 ? `${found.length} images begin with ${id}` : `there is no image ${JSON.stringify(id)}`, { hint: "`glowplug image ls` shows them." });
}

function allIn(store: string): readonly (StoredImage | UnreadableImage)[] {
  return [...listImages(store), ...unreadableImages(store)];
}

/** In one step each: a disk is never there without what is known of it. */
async function drop(store: string, images: readonly (StoredImage | UnreadableImage)[]): Promise<void> {
  if (images.length === 0) return;
  // Who wants room is not to need some for it.
  const incoming = await openIncoming(store, { evenWithoutRoom: true });
  try {
    await withStore(store, async () => {
      for (const { id } of images) if (lstatSync(join(store, id), { throwIfNoEntry: false })) take(join(store, id), join(incoming.folder, id));
    }, { evenWithoutRoom: true });
  } finally {
    incoming.remove();
  }
}

function take(folder: string, target: string): void {
  try {
    renameSync(folder, target);
  } catch (cause) {
    throw diskError(`${folder} could not be removed`, cause);
  }
}

/** Who keeps images just now. Marks of processes that have ended are cleared away. */
function marks(store: string): readonly { readonly id: string; readonly pid: number }[] {
  const folder = join(store, "uses");
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (!/^[0-9a-f]{64}\.[0-9a-f]{8}$/.test(name)) return [];
    const holder = lockHolder(join(folder, name));
    if (holder) return [{ id: name.slice(0, 64), pid: holder.pid }];
    rmSync(join(folder, name), { force: true });
    return [];
  });
}

function short(image: StoredImage | UnreadableImage): string {
  return "problem" in image ? image.id.slice(0, 12) : `${image.id.slice(0, 12)} (${image.origins.at(-1)?.title ?? image.format})`;
}
