import { createReadStream, statSync, realpathSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { codeOf } from "./atomic.ts";
import { readDiskHeader } from "./disk-header.ts";
import { MachineError, messageOf } from "./errors.ts";
import { admitDisk } from "./image-admit.ts";
import { addImage, openIncoming } from "./image-add.ts";
import { findImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import type { LocalImage } from "./located-image.ts";
import { checkBeginning, compressionOf, magicLength } from "./magic.ts";
import type { Compression, Digest } from "./model.ts";
import type { Run } from "./run.ts";
import { copyAndHash } from "./sparse-copy.ts";
import { asDiskError, takeIn } from "./take-in.ts";

/**
 * A disk on this host, copied into the store: what a user does to the file afterwards harms no machine.
 * A file that was copied before and is unchanged is not even read.
 * Throws MachineError "not-found", "bad-image", and "conflict" when the file changes while it is copied.
 */
export async function obtainLocal(located: LocalImage, run: Run): Promise<{ readonly image: StoredImage; readonly origin: ImageOrigin }> {
  const { store } = run.paths;
  const path = resolvePath(located, run);
  const before = statSync(path);
  if (!before.isFile()) throw new MachineError("bad-image", `${path} is no file`, { hint: "Name a disk image, as qcow2 or raw." });
  const identity = { kind: "local" as const, path, size: before.size, mtimeMs: before.mtimeMs, ino: before.ino };
  const known = await findImage(store, (origin) => origin.kind === "local" && origin.path === path && isSameFile(origin, identity) && hasDigest(origin, located.digest));
  if (known) return known;

  const compression = await readCompression(located, path);
  if (compression === "none") await readDiskHeader(path, located.format);
  const phase = run.report.phase(`Copying ${located.title}`);
  const incoming = await openIncoming(store);
  try {
    const copied = await copyIn(located, path, { compression, folder: incoming.folder, onProgress: (done) => phase.progress(done, before.size) }, run);
    if (!isSameFile(identity, statSync(path))) throw new MachineError("conflict", `${path} changed while it was copied`, { hint: "Stop whatever writes to it, a running virtual machine for one, and try again." });
    const disk = await admitDisk({ path: copied.path, format: located.format, sha256: copied.disk, shown: path }, run);
    const origin: ImageOrigin = {
      ...identity, title: located.title, ...(located.release !== undefined && { release: located.release }), verified: [{ what: "local", digest: copied.file }],
    };
    const image = await addImage(store, disk, origin);
    phase.done();
    return { image, origin };
  } catch (error) {
    phase.fail();
    throw asDiskError(error, `${path} could not be copied into ${store}`);
  } finally {
    incoming.remove();
  }
}

interface Copied {
  readonly path: string;
  /** Checksum of the file as it lies there. */
  readonly file: Digest;
  /** sha256 of the disk. */
  readonly disk: string;
}

async function copyIn(located: LocalImage, path: string, { compression, folder, onProgress }: { readonly compression: Compression; readonly folder: string; onProgress(done: number): void }, run: Run): Promise<Copied> {
  const target = join(folder, "disk");
  const { digest = { algorithm: "sha256" as const, hex: undefined } } = located;
  if (compression === "none" && digest.algorithm === "sha256") {
    const hex = await copyAndHash(path, target, { signal: run.signal, onProgress });
    return { path: target, disk: hex, file: checkedDigest(path, digest, hex) };
  }
  const bytes = countedBytes(path, run.signal, onProgress);
  const taken = await takeIn({ bytes, shown: path, compression, format: located.format, checksums: { file: [digest.algorithm], disk: ["sha256"] }, target: () => target }, run);
  return { path: target, disk: taken.disk.hex("sha256"), file: checkedDigest(path, digest, taken.file.hex(digest.algorithm)) };
}

/** How the file is packed. Throws MachineError "bad-image" where it is packed in another way than was said, and for a web page. */
async function readCompression(located: LocalImage, path: string): Promise<Compression> {
  const handle = await open(path, "r").catch((cause: unknown) => Promise.reject(new MachineError("bad-image", `the image ${path} cannot be read: ${messageOf(cause)}`, { cause })));
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(magicLength), 0, magicLength, 0);
    const head = buffer.subarray(0, bytesRead);
    const compression = located.compression ?? compressionOf(head);
    checkBeginning(head, compression, path);
    return compression;
  } finally {
    await handle.close();
  }
}

async function* countedBytes(path: string, signal: AbortSignal, onProgress: (done: number) => void): AsyncGenerator<Uint8Array, void, void> {
  let done = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20, signal }) as AsyncIterable<Buffer>) {
    onProgress((done += piece.length));
    yield piece;
  }
}

function checkedDigest(path: string, { algorithm, hex }: Pick<Digest, "algorithm"> & { readonly hex: string | undefined }, found: string): Digest {
  if (hex === undefined || hex === found) return { algorithm, hex: found };
  throw new MachineError("digest", `${path} is not the file that was meant: expected ${algorithm} ${hex}, found ${found}`, { hint: "Fetch it again, or correct the checksum." });
}

function resolvePath({ path }: LocalImage, run: Run): string {
  try {
    return realpathSync(resolve(run.cwd, path));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") throw new MachineError("not-found", `there is no image ${resolve(run.cwd, path)}`, { cause, hint: "Check the path." });
    throw new MachineError("bad-image", `the image ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Whether the file was seen to have this checksum when it was copied. */
function hasDigest({ verified }: ImageOrigin, wanted: Digest | undefined): boolean {
  return wanted === undefined || verified.some(({ digest }) => digest?.algorithm === wanted.algorithm && digest.hex === wanted.hex);
}

function isSameFile(a: Pick<Stats, "size" | "mtimeMs" | "ino">, b: Pick<Stats, "size" | "mtimeMs" | "ino">): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}
