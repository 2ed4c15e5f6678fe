import { statfsSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, FileChanged } from "./byte-source.ts";
import { MachineError } from "./errors.ts";
import { failure, shownUrl } from "./http.ts";
import { admitDisk } from "./image-admit.ts";
import { addImage, openIncoming, type Incoming } from "./image-add.ts";
import { findImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import type { FetchImage } from "./located-image.ts";
import type { Digest } from "./model.ts";
import { checkDetached } from "./openpgp.ts";
import { Partial } from "./partial.ts";
import type { Verification } from "./record.ts";
import type { PhaseReport, Run } from "./run.ts";
import type { VerifiedSignature } from "./signature.ts";
import { fetchSignature } from "./signed-text.ts";
import { asDiskError, takeIn } from "./take-in.ts";
import { formatSize } from "./units.ts";
import { findUnpacker } from "./unpack.ts";

type Fetched = { readonly image: StoredImage; readonly origin: ImageOrigin };

/**
 * A published disk, fetched once whoever asks, verified and unpacked while it arrives. Where another process is at it, its result is waited for.
 * A download that broke off goes on where it stopped. With a waived checksum it is fetched each time, since nobody can tell whether it is still the same.
 * Throws MachineError "download", "offline", "digest", "signature", "bad-image", "missing-program" for a program that unpacks it, "disk" when there is too little room.
 */
export async function obtainFetched(located: FetchImage, run: Run): Promise<Fetched> {
  const { store } = run.paths;
  const known = await findFetched(store, located);
  if (known) return known;
  if (run.offline) throw new MachineError("offline", `${located.title} is not in the store, and nothing may be fetched offline`, { hint: `Fetch it once without --offline and GLOWPLUG_OFFLINE: ${shownUrl(located.url)}` });
  findUnpacker(located.compression, run);
  const phase = run.report.phase(`Downloading ${located.title}`);
  try {
    const partial = await Partial.open(located, run.paths, { signal: run.signal, onWait: (holder) => phase.note(`waiting for ${holder}`) });
    try {
      const fetched = (await findFetched(store, located)) ?? (await fetchInto(partial, located, phase, run));
      await partial.remove();
      phase.done();
      return fetched;
    } finally {
      await partial.release();
    }
  } catch (error) {
    phase.fail();
    throw asDiskError(error, `${located.title} could not be brought into ${store}`);
  }
}

/** The stored disk of such a download, and all that is known to be verified of it by now. */
async function findFetched(store: string, located: FetchImage): Promise<Fetched | undefined> {
  const { digest, signature } = located;
  if (digest === "waived") return undefined;
  const trusted = signature?.keys.map(({ fingerprint }) => fingerprint.toLowerCase());
  const isSigned = ({ verified }: ImageOrigin): boolean => trusted === undefined || verified.some(({ over, by }) => over === "file" && trusted.some((fingerprint) => by?.endsWith(` ${fingerprint}`)));
  const found = await findImage(store, (origin) => origin.kind === "fetch" && isSameDisk(origin, located, digest) && isSigned(origin));
  if (!found) return undefined;
  const others = found.origin.verified.filter(({ over }) => over !== "checksums" || !located.checksums?.signature);
  return { image: found.image, origin: { ...found.origin, verified: [...others, ...signedChecksums(located)] } };
}

function isSameDisk(origin: ImageOrigin & { readonly kind: "fetch" }, located: FetchImage, digest: Digest): boolean {
  return origin.digest !== "waived" && origin.digest.algorithm === digest.algorithm && origin.digest.hex === digest.hex && origin.compression === located.compression && origin.format === located.format;
}

/** From the first address that yields the right file. */
async function fetchInto(partial: Partial, located: FetchImage, phase: PhaseReport, run: Run): Promise<Fetched> {
  const incoming = await openIncoming(run.paths.store);
  try {
    checkRoom(run.paths.store, located, partial.size);
    const signature = located.signature && { ...located.signature, bytes: await fetchSignature(located.signature.url, located.title, run) };
    const failures: MachineError[] = [];
    for (const url of [located.url, ...(located.mirrors ?? [])]) {
      try {
        return await untilItStays(() => fetchOnce(url, { located, partial, incoming, phase, signature }, run), partial);
      } catch (error) {
        if (run.signal.aborted || !(error instanceof MachineError) || !["download", "digest", "signature", "bad-image"].includes(error.code)) throw error;
        failures.push(error);
      }
    }
    const [first] = failures;
    if (failures.length === 1 || !first) throw first;
    throw new MachineError(first.code, `${located.title} could not be fetched from any of ${failures.length} addresses`, { details: failures.map(({ message }) => message), hint: first.hint, cause: first });
  } finally {
    incoming.remove();
  }
}

/** Begins anew when the file is another one than that which was begun, or when what is here turns out to be wrong after it was put together from two downloads. */
async function untilItStays<T>(fetch: () => Promise<T>, partial: Partial): Promise<T> {
  for (let left = 3; ; left -= 1) {
    const resumed = partial.size > 0;
    try {
      return await fetch();
    } catch (error) {
      const isWrong = error instanceof MachineError && ["digest", "signature", "bad-image"].includes(error.code);
      if (isWrong || error instanceof FileChanged) await partial.clear();
      if (left > 0 && (error instanceof FileChanged || (isWrong && resumed))) continue;
      throw error instanceof FileChanged ? failure(error.url, "it broke off again and again, and the server can only begin anew", "Try again later, or name a mirror.") : error;
    }
  }
}

interface Fetch {
  readonly located: FetchImage;
  readonly partial: Partial;
  readonly incoming: Incoming;
  readonly phase: PhaseReport;
  readonly signature: (NonNullable<FetchImage["signature"]> & { readonly bytes: Buffer }) | undefined;
}

async function fetchOnce(url: string, { located, partial, incoming, phase, signature }: Fetch, run: Run): Promise<Fetched> {
  const { digest, resultDigest, title, release, format, compression } = located;
  const shown = shownUrl(url);
  const check = signature && (await checkDetached(signature.bytes, { ...signature, url: shownUrl(signature.url) }, shown));
  const unpacked = join(incoming.folder, "disk");
  incoming.empty();
  const taken = await takeIn({
    bytes: bytesOf(url, { image: located, partial, onProgress: (done, total) => phase.progress(done, total) }, run),
    // With a checksum the disk's format is looked at when that is right: who serves another disk shall not be told of its format.
    shown, compression, format: digest === "waived" ? format : undefined, signature: check, target: (found) => (found === "none" ? undefined : unpacked),
    checksums: { file: digest === "waived" ? [] : [digest.algorithm], disk: ["sha256", ...(resultDigest ? [resultDigest.algorithm] : [])] },
  }, run);
  const verified: Verification[] = [];
  if (digest !== "waived") verified.push({ what: "download", digest: checked(shown, digest, taken.file.hex(digest.algorithm)) });
  if (resultDigest) verified.push({ what: "result", digest: checked(`the unpacked disk of ${title}`, resultDigest, taken.disk.hex(resultDigest.algorithm)) });
  if (check) verified.push({ what: "signature", by: signer(await check.end()), over: "file" });
  if (compression === "none") await partial.sync();
  const admitted = await admitDisk({ path: compression === "none" ? partial.path : unpacked, format, sha256: taken.disk.hex("sha256"), shown }, run);
  const origin: ImageOrigin = {
    kind: "fetch", url: shown, digest, format, compression, title, ...(release !== undefined && { release }), verified: [...verified, ...signedChecksums(located)],
  };
  return { image: await addImage(run.paths.store, admitted, origin), origin };
}

function signedChecksums({ checksums }: FetchImage): Verification[] {
  return checksums?.signature ? [{ what: "signature", by: signer(checksums.signature), over: "checksums" }] : [];
}

function signer({ owner, fingerprint }: VerifiedSignature): string {
  return `${owner} ${fingerprint.toLowerCase()}`;
}

/** A packed file and its disk, which is at least as large, lie beside each other until the end. */
function checkRoom(store: string, { size, compression, title }: FetchImage, here: number): void {
  if (size === undefined) return;
  const { bavail, bsize } = statfsSync(store);
  const needed = (compression === "none" ? size : 2 * size) - here;
  if (bavail * bsize >= needed) return;
  throw new MachineError("disk", `${title} needs ${formatSize(needed)} in ${store}, and ${formatSize(bavail * bsize)} are free`, { hint: "Free some space, or name another store in GLOWPLUG_STORE." });
}

function checked(what: string, expected: Digest, found: string): Digest {
  if (found === expected.hex) return expected;
  throw new MachineError("digest", `${what} is not what was published: expected ${expected.algorithm} ${expected.hex}, found ${found}`, { hint: "It was changed on the way, or a new release took its place; try again later or from another mirror." });
}
