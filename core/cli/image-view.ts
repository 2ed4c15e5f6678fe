import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { storedDisk, type ImageOrigin, type StoredImage, type UnreadableImage } from "../image-store.ts";
import type { ImageUse } from "../image-use.ts";
import { formatSize } from "../units.ts";
import { Shown, Stamp } from "./format.ts";
import { neverIso } from "./machine-view.ts";
import { ago } from "./times.ts";
import { verifiedView } from "./verified-view.ts";

/** Columns of `image ls`, as `--format "table ..."` would have them. */
export const imageColumns = "table {{.Id}}\t{{.Title}}\t{{.Release}}\t{{.Size}}\t{{.VirtualSize}}\t{{.Added}}\t{{.UsedBy}}";
export const imageHeaders: Readonly<Record<string, string>> = { VirtualSize: "VIRTUAL", Added: "AGE" };
export const imageFields: readonly string[] = ["Id", "Title", "Release", "Format", "Size", "VirtualSize", "Added", "UsedBy", "Origins", "Path"];

/** One image of the store. `now` is for its age. */
export function imageItem(store: string, image: StoredImage, { users }: ImageUse, now: number): object {
  const { id, format, virtualSize, added, origins } = image;
  const size = bytesOnDisk(store, image);
  const usedBy = users.get(id) ?? [];
  const last = origins.at(-1);
  return {
    Id: new Shown(id, shortId(id)), Title: titleOf(image), Release: last?.release ?? "", Format: format, Size: new Shown(size, formatSize(size)),
    VirtualSize: new Shown(virtualSize, formatSize(virtualSize)), Added: new Stamp(added, ago(new Date(added), now)), UsedBy: new Shown(usedBy, usedBy.join(", ")),
    Origins: origins.map(originView), Path: storedDisk(store, image),
  };
}

/** An image that cannot be read: it is shown, since it is there and takes its room. */
export function unreadableItem(store: string, image: UnreadableImage, { users }: ImageUse): object {
  const { id } = image;
  const size = bytesOnDisk(store, image);
  const usedBy = users.get(id) ?? [];
  return {
    Id: new Shown(id, shortId(id)), Title: "damaged", Release: "", Format: "", Size: new Shown(size, formatSize(size)), VirtualSize: new Shown(0, ""),
    Added: new Stamp(neverIso, ""), UsedBy: new Shown(usedBy, usedBy.join(", ")), Origins: [], Path: join(store, id),
  };
}

/** Bytes that an image takes: less than its file's length where that has holes. */
export function bytesOnDisk(store: string, image: StoredImage | UnreadableImage): number {
  const files = "problem" in image ? filesIn(join(store, image.id)) : [storedDisk(store, image)];
  return files.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return []; // somebody else's
  }
}

/** As many digits as tell images apart for people. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

export function titleOf(image: StoredImage | UnreadableImage): string {
  return "problem" in image ? "damaged" : image.origins.at(-1)?.title ?? image.format;
}

function originView(origin: ImageOrigin): object {
  const from = origin.kind === "local" ? origin.path : origin.kind === "build" ? origin.key : origin.url;
  return {
    Kind: origin.kind, From: from, Title: origin.title,
    Verified: verifiedView(origin.verified),
  };
}
