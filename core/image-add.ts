import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, syncFolder, writeFileDurably } from "./atomic.ts";
import { isWhole, readImage, withStore, type ImageOrigin, type StoredImage } from "./image-store.ts";
import { lockHolder, takeLock, type LockOptions } from "./lock.ts";
import type { DiskFormat } from "./model.ts";
import { step } from "./step.ts";

/** A place in the store for what is being made; nobody else looks into it. */
export interface Incoming {
  readonly folder: string;
  /** Removes what was put there, for another try. */
  empty(): void;
  remove(): void;
}

/** Makes a folder in the store for something on its way in, and removes those of processes that died. */
export async function openIncoming(store: string, options: Pick<LockOptions, "evenWithoutRoom"> = {}): Promise<Incoming> {
  const root = join(store, "incoming");
  makePrivateFolder(root);
  return withStore(store, async () => {
    for (const name of readdirSync(root)) {
      if (!lockHolder(join(root, name, "owner"))) removeTree(join(root, name));
    }
    const folder = join(root, randomBytes(6).toString("hex"));
    await takeLock(join(folder, "owner"), { purpose: "adding an image", ...options });
    step("image.incoming");
    const empty = (): void => readdirSync(folder).filter((name) => name !== "owner").forEach((name) => removeTree(join(folder, name)));
    return { folder, empty, remove: () => removeTree(folder) };
  }, options);
}

/** A disk that is complete and hashed, on its way from an incoming folder to its place. */
export interface NewImage {
  /** sha256 of the disk. */
  readonly id: string;
  readonly format: DiskFormat;
  /** Bytes that a guest sees. */
  readonly virtualSize: number;
  readonly path: string;
}

/** Puts a disk into the store, read-only, by one rename; where the same disk is already there, only notes that it came from here as well. */
export async function addImage(store: string, disk: NewImage, origin: ImageOrigin): Promise<StoredImage> {
  return withStore(store, async () => {
    const folder = join(store, disk.id);
    const present = readImage(store, disk.id);
    const origins = [...(present?.origins ?? []).filter((one) => !isSameOrigin(one, origin)), origin];
    if (present && (await isWhole(store, present))) {
      const image = { ...present, origins };
      await writeFileDurably(join(folder, "image.json"), render(image));
      return image;
    }
    const fresh = `${disk.path}.image`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    const target = join(fresh, `disk.${disk.format}`);
    linkSync(disk.path, target); // its old name stays until it is in its place: a kill in between loses no download
    chmodSync(target, 0o444);
    const { size, mtimeMs } = statSync(target);
    const image: StoredImage = { version: 1, id: disk.id, format: disk.format, size, mtimeMs, virtualSize: disk.virtualSize, added: new Date().toISOString(), origins };
    await writeFileDurably(join(fresh, "image.json"), render(image));
    rmSync(folder, { recursive: true, force: true }); // cut short or changed by somebody; the very same disk takes its place
    renameSync(fresh, folder);
    await syncFolder(store);
    step("image.placed");
    rmSync(disk.path);
    return image;
  });
}

function render(image: StoredImage): string {
  return `${JSON.stringify(image, null, 2)}\n`;
}

function isSameOrigin(a: ImageOrigin, b: ImageOrigin): boolean {
  if (a.kind === "local" && b.kind === "local") return a.path === b.path;
  if (a.kind === "build" && b.kind === "build") return a.key === b.key;
  return a.kind === "fetch" && b.kind === "fetch" && a.url === b.url && JSON.stringify(a.digest) === JSON.stringify(b.digest);
}

/** A build without root may leave files of other user numbers, which only a later build can clear away; they hinder nobody. */
function removeTree(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Tried again by the next who adds an image.
  }
}
