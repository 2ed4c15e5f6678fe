import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "./atomic.ts";
import { takeLock, type LockOptions } from "./lock.ts";
import type { Compression, Digest, DiskFormat, SourceFormat } from "./model.ts";
import type { RecordedImage } from "./record.ts";
import { isOurs } from "./safe-way.ts";
import { hashFile, type CopyOptions } from "./sparse-copy.ts";

/** Where a stored disk came from, and what was verified when it did. The same disk may have come from several places. */
export type ImageOrigin = {
  readonly title: string;
  readonly release?: string;
  readonly verified: RecordedImage["verified"];
} & (
  | { readonly kind: "local"; readonly path: string; readonly size: number; readonly mtimeMs: number; readonly ino: number }
  | { readonly kind: "build"; readonly key: string }
  | { readonly kind: "fetch"; readonly url: string; readonly digest: Digest | "waived"; readonly format: SourceFormat; readonly compression: Compression }
);

/** What stands in an image's image.json. */
export interface StoredImage {
  readonly version: 1;
  /** sha256 of the disk. */
  readonly id: string;
  readonly format: DiskFormat;
  /** Bytes of the file. */
  readonly size: number;
  /** Its time stamp: with the size a cheap sign that nobody has touched it. */
  readonly mtimeMs: number;
  /** Bytes that a guest sees. */
  readonly virtualSize: number;
  /** ISO 8601. */
  readonly added: string;
  readonly origins: readonly ImageOrigin[];
}

/** The disk of a stored image. */
export function storedDisk(store: string, image: Pick<StoredImage, "id" | "format">): string {
  return join(store, image.id, `disk.${image.format}`);
}

/** The image with this sha256; undefined where there is none, where its image.json is damaged, and where somebody else has put it there. */
export function readImage(store: string, id: string): StoredImage | undefined {
  try {
    if (!isOurFolder(join(store, id))) return undefined;
    const value: unknown = JSON.parse(readFileSync(join(store, id, "image.json"), "utf8"));
    return isStoredImage(value) && value.id === id ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Every image that can be read, oldest first. */
export function listImages(store: string): readonly StoredImage[] {
  const images = idsIn(store).flatMap((id) => readImage(store, id) ?? []);
  return images.sort((a, b) => a.added.localeCompare(b.added) || a.id.localeCompare(b.id));
}

/** An image of which nobody knows what it is, since its image.json is damaged or gone. */
export interface UnreadableImage {
  /** The sha256 that its disk had. */
  readonly id: string;
  readonly problem: string;
  /** Somebody else has put it there, and it may not be ours to remove. */
  readonly isForeign: boolean;
}

/** Images that are there and cannot be read. Machines on them have their disks still. */
export function unreadableImages(store: string): readonly UnreadableImage[] {
  return idsIn(store).filter((id) => !readImage(store, id) && existsSync(join(store, id))).sort()
    .map((id) => ({ id, problem: problemOf(join(store, id)), isForeign: !isOurFolder(join(store, id)) }));
}

function problemOf(folder: string): string {
  if (!isOurFolder(folder)) return `${folder} was put there by somebody else`;
  const file = join(folder, "image.json");
  return `${file} ${existsSync(file) ? "cannot be read" : "is gone"}`;
}

/** A store that others may write to is named by whoever wants one; what they put into it is not taken. */
function isOurFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && isOurs(found);
}

function idsIn(store: string): readonly string[] {
  return existsSync(store) ? readdirSync(store).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
}

/** An image that came from such a place and is still whole. */
export async function findImage(store: string, matches: (origin: ImageOrigin) => boolean, options?: CopyOptions): Promise<{ readonly image: StoredImage; readonly origin: ImageOrigin } | undefined> {
  for (const image of listImages(store)) {
    const origin = image.origins.find(matches);
    if (origin && (await isWhole(store, image, options))) return { image, origin };
  }
  return undefined;
}

/** Whether an image's disk is what it was. Size and time stamp tell; where the stamp differs, its sha256 does. */
export async function isWhole(store: string, image: StoredImage, options?: CopyOptions): Promise<boolean> {
  const found = statSync(storedDisk(store, image), { throwIfNoEntry: false });
  if (!found || found.size !== image.size) return false;
  return found.mtimeMs === image.mtimeMs || (await hashFile(storedDisk(store, image), options)) === image.id;
}

/** What a machine's record says of a stored image. */
export function recordImage(store: string, source: string, image: StoredImage, origin: ImageOrigin): RecordedImage {
  return {
    source, title: origin.title, ...(origin.release !== undefined && { release: origin.release }),
    origin: origin.kind === "local" ? origin.path : origin.kind === "build" ? origin.key : origin.url,
    id: image.id, path: storedDisk(store, image), format: image.format, virtualSize: image.virtualSize, verified: origin.verified,
  };
}

/** Runs a short change of the store while nobody else changes it. */
export async function withStore<T>(store: string, work: () => Promise<T>, options: Pick<LockOptions, "evenWithoutRoom"> = {}): Promise<T> {
  const lock = await takeLock(join(store, "locks/store"), { purpose: "changing the image store", subject: `the image store ${store}`, timeoutMs: 60_000, ...options });
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function isStoredImage(value: unknown): value is StoredImage {
  if (typeof value !== "object" || value === null) return false;
  const image = value as Partial<Record<keyof StoredImage, unknown>>;
  return image.version === 1 && typeof image.id === "string" && (image.format === "qcow2" || image.format === "raw") && typeof image.size === "number"
    && typeof image.mtimeMs === "number" && typeof image.virtualSize === "number" && typeof image.added === "string" && Array.isArray(image.origins) && image.origins.every(isOrigin);
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { kind, title, verified, ...its } = value as Readonly<Record<string, unknown>>;
  const where = { local: its["path"], build: its["key"], fetch: its["url"] }[String(kind)];
  return typeof where === "string" && typeof title === "string" && Array.isArray(verified);
}
