import { statfsSync } from "node:fs";
import { join } from "node:path";
import { fetchFile, shownUrl } from "./download.ts";
import { MachineError } from "./errors.ts";
import { admitDisk } from "./image-admit.ts";
import { addImage, openIncoming } from "./image-add.ts";
import { findImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import type { FetchImage } from "./located-image.ts";
import type { Digest } from "./model.ts";
import type { PhaseReport, Run } from "./run.ts";
import { hashFile } from "./sparse-copy.ts";
import { formatSize } from "./units.ts";
import { findUnpacker } from "./unpack.ts";

type Fetched = { readonly image: StoredImage; readonly origin: ImageOrigin };

/**
 * A published disk, fetched once and only ever used as published: its checksum guards it whatever mirror it came from, before
 * anything unpacks or opens it. With a waived checksum it is fetched each time, since nobody can tell whether it is still the same.
 * Throws MachineError "download", "digest", "missing-program" for a program that unpacks it, "disk" when there is too little room.
 */
export async function obtainFetched(located: FetchImage, run: Run): Promise<Fetched> {
  const { store } = run.paths;
  const { digest } = located;
  if (located.signature) throw new MachineError("bad-image", `${located.title} is to be checked by its signature, which is not done yet`);
  const known = digest === "waived" ? undefined : await findImage(store, (origin) => origin.kind === "fetch" && isSameDisk(origin, located, digest));
  if (known) return known;
  const unpack = findUnpacker(located.compression, run);
  const phase = run.report.phase(`Downloading ${located.title}`);
  const incoming = await openIncoming(store);
  try {
    checkRoom(store, located);
    const arrived = await fetchFromAny(located, incoming.folder, phase, run);
    const disk = await unpack(arrived.path, incoming.folder);
    const result = await checkResult(located, disk.path, run);
    const admitted = await admitDisk({ ...disk, format: located.format, shown: arrived.url }, run);
    const origin: ImageOrigin = {
      kind: "fetch", url: arrived.url, digest, format: located.format, compression: located.compression,
      title: located.title, ...(located.release !== undefined && { release: located.release }),
      verified: [...(digest === "waived" ? [] : [{ what: "download" as const, digest }]), ...result],
    };
    const image = await addImage(store, admitted, origin);
    phase.done();
    return { image, origin };
  } catch (error) {
    phase.fail();
    throw error;
  } finally {
    incoming.remove();
  }
}

function isSameDisk(origin: ImageOrigin & { readonly kind: "fetch" }, located: FetchImage, digest: Digest): boolean {
  return origin.digest !== "waived" && origin.digest.algorithm === digest.algorithm && origin.digest.hex === digest.hex && origin.compression === located.compression && origin.format === located.format;
}

/** The first address that yields the right file. */
async function fetchFromAny(located: FetchImage, folder: string, phase: PhaseReport, run: Run): Promise<{ readonly path: string; readonly url: string }> {
  const failures: MachineError[] = [];
  for (const [index, url] of [located.url, ...(located.mirrors ?? [])].entries()) {
    const path = join(folder, `download-${index}`);
    try {
      const algorithm = located.digest === "waived" ? "sha256" : located.digest.algorithm;
      const hex = await fetchFile(url, path, { algorithm, size: located.size, onProgress: (done, total) => phase.progress(done, total) }, run);
      if (located.digest !== "waived" && hex !== located.digest.hex) throw wrongDigest(shownUrl(url), located.digest, hex);
      return { path, url: shownUrl(url) };
    } catch (error) {
      if (!(error instanceof MachineError) || (error.code !== "download" && error.code !== "digest")) throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  if (failures.length === 1 || !first) throw first;
  throw new MachineError(first.code, `${located.title} could not be fetched from any of ${failures.length} addresses`, { details: failures.map(({ message }) => message), hint: first.hint, cause: first });
}

async function checkResult({ title, resultDigest }: FetchImage, path: string, run: Run): Promise<ImageOrigin["verified"]> {
  if (!resultDigest) return [];
  const hex = await hashFile(path, { algorithm: resultDigest.algorithm, signal: run.signal });
  if (hex !== resultDigest.hex) throw wrongDigest(`the unpacked disk of ${title}`, resultDigest, hex);
  return [{ what: "result", digest: resultDigest }];
}

/** Unpacking needs the packed file beside the disk, which is at least as large. */
function checkRoom(store: string, { size, compression, title }: FetchImage): void {
  if (size === undefined) return;
  const { bavail, bsize } = statfsSync(store);
  const needed = compression === "none" ? size : 2 * size;
  if (bavail * bsize >= needed) return;
  throw new MachineError("disk", `${title} needs ${formatSize(needed)} in ${store}, and ${formatSize(bavail * bsize)} are free`, { hint: "Free some space, or name another store in GLOWPLUG_STORE." });
}

function wrongDigest(what: string, expected: Digest, found: string): MachineError {
  return new MachineError("digest", `${what} is not what was published: expected ${expected.algorithm} ${expected.hex}, found ${found}`, { hint: "It was changed on the way, or a new release took its place; try again later or from another mirror." });
}
