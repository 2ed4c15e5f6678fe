import { isObject } from "glowplug";
import { objectIn, type OfferedDisk } from "./disks.ts";
import type { Stream } from "./stream.ts";

/** By the third number of a release (https://github.com/coreos/fedora-coreos-tracker/blob/main/Design.md, "Version Numbers"). */
const numbered: Readonly<Record<string, Stream>> = { 1: "next", 2: "testing", 3: "stable" };

/** The stream that a release belongs to; undefined for what is none, or is one that is not published for users. */
export function streamOfRelease(release: string): Stream | undefined {
  const number = /^\d+\.\d{8}\.(\d+)\.\d+$/.exec(release)?.[1];
  return number === undefined ? undefined : numbered[number];
}

/** Where everything of one build lies. `base` is the folder of the streams' metadata. */
export function buildFolder(base: URL, stream: Stream, release: string, arch: string): URL {
  return new URL(`../prod/streams/${stream}/builds/${release}/${arch}/`, base);
}

/**
 * Every disk in a build's meta.json: images.PLATFORM has the file's name, size and checksums
 * (https://github.com/coreos/coreos-assembler, src/v1.json). Throws MachineError "bad-image" when it holds no images.
 */
export function disksOfBuild(
  metadata: Readonly<Record<string, unknown>>, { address, folder, release, arch }: { readonly address: string; readonly folder: URL; readonly release: string; readonly arch: string },
): readonly OfferedDisk[] {
  return Object.entries(objectIn(metadata, "images", address)).flatMap(([platform, facts]): OfferedDisk[] => {
    const path = isObject(facts) ? facts["path"] : undefined;
    const start = `fedora-coreos-${release}-${platform}.${arch}.`;
    if (!isObject(facts) || typeof path !== "string" || !path.startsWith(start)) return [];
    const url = new URL(path, folder).href;
    // meta.json names no signatures; they lie beside the files, as the streams' metadata shows.
    return [{ platform, ending: path.slice(start.length), release, url, signature: `${url}.sig`, facts }];
  });
}
