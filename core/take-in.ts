import { diskError, codeOf } from "./atomic.ts";
import { checkFormat, headLength } from "./disk-header.ts";
import { usualLimits, type DownloadLimits } from "./download-limits.ts";
import { MachineError } from "./errors.ts";
import { Hashes } from "./hashes.ts";
import { checkBeginning, compressionOf, magicLength } from "./magic.ts";
import type { Compression, DigestAlgorithm, SourceFormat } from "./model.ts";
import type { SignatureCheck } from "./openpgp.ts";
import type { Run } from "./run.ts";
import { SparseFile } from "./sparse-file.ts";
import { formatSize } from "./units.ts";
import { findUnpacker } from "./unpack.ts";

/** An image on its way in. */
export interface Arrival {
  /** Its bytes as published. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What the user knows it by, for messages. */
  readonly shown: string;
  /** How it is said to be packed, and what is said to come out. Default: what its bytes tell. */
  readonly compression?: Compression | undefined;
  readonly format?: SourceFormat | undefined;
  /** Which checksums are wanted, of the bytes as published and of the disk. */
  readonly checksums: { readonly file: readonly DigestAlgorithm[]; readonly disk: readonly DigestAlgorithm[] };
  readonly signature?: SignatureCheck | undefined;
  /** Where the disk is written; undefined where an unpacked one is already on its way to disk. */
  readonly target: (compression: Compression) => string | undefined;
}

export interface TakenIn {
  readonly compression: Compression;
  readonly file: Hashes;
  readonly disk: Hashes;
}

/** A file is made last in steps, so that nobody waits for all of it in the end. */
const syncEvery = 64 * 2 ** 20;

/**
 * One pass: what arrives is hashed, its signature is checked, it is unpacked, hashed again and written with holes. Holds some pieces of it, never the whole.
 * What is wrong is found as early as it can be: MachineError "bad-image" for another format than was said, damage, and a disk that outgrows its limit.
 */
export async function takeIn(arrival: Arrival, run: Pick<Run, "host" | "signal" | "trace" | "limits">): Promise<TakenIn> {
  const { shown, signature, checksums, format, target: targetFor } = arrival;
  const { head, all } = await withHead(arrival.bytes, magicLength);
  const compression = arrival.compression ?? compressionOf(head);
  checkBeginning(head, compression, shown);
  const file = new Hashes(compression === "none" ? [...checksums.file, ...checksums.disk] : checksums.file);
  const disk = compression === "none" ? file : new Hashes(checksums.disk);
  let packed = 0;
  const published = (async function* () {
    for await (const piece of all) {
      packed += piece.length;
      file.update(piece);
      await signature?.write(piece);
      yield piece;
    }
  })();
  const target = targetFor(compression);
  const { writes, unpack } = findUnpacker(compression, run);
  const unpacked = await withHead(unpack(published, target ?? ""), headLength);
  if (format !== undefined && unpacked.head.length > 0) checkFormat(unpacked.head, format, shown);
  const output = target === undefined ? undefined : await (writes ? SparseFile.behind(target) : SparseFile.open(target));
  try {
    let size = 0;
    let synced = 0;
    let syncing: Promise<void> | undefined;
    for await (const piece of unpacked.all) {
      size += piece.length;
      if (compression !== "none") {
        checkSize(size, packed, shown, run.limits);
        disk.update(piece);
      }
      if (!output) continue;
      if (!writes) await output.write(piece);
      if (size - synced < syncEvery || syncing) continue;
      synced = size;
      syncing = output.sync().catch(() => {}).finally(() => { syncing = undefined; }); // the last one tells
    }
    await output?.flush();
    await output?.sync();
  } finally {
    await output?.close();
  }
  run.signal.throwIfAborted();
  return { compression, file, disk };
}

/** A full disk and the like, as the user knows it. */
export function asDiskError(error: unknown, what: string): unknown {
  return error instanceof MachineError || !/^(ENOSPC|EDQUOT|EROFS|EIO|EACCES|EPERM)$/.test(codeOf(error) ?? "") ? error : diskError(what, error);
}

function checkSize(size: number, packed: number, shown: string, limits: Partial<DownloadLimits> = {}): void {
  const most = (limits.mostUnpacked ?? usualLimits.mostUnpacked)(packed);
  if (size <= most) return;
  throw new MachineError("bad-image", `${shown} unpacks to more than ${formatSize(most)} from ${formatSize(packed)}: no disk is that large, so it is taken for a decompression bomb`, {
    hint: "If you trust it, unpack it by yourself and use the disk as a local file.",
  });
}

/** The first bytes of a stream, fewer where it is shorter, and all of it. */
async function withHead(pieces: AsyncIterable<Uint8Array>, length: number): Promise<{ readonly head: Buffer; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  for (let have = 0; have < length; have += first.at(-1)?.length ?? 0) {
    const { done, value } = await iterator.next();
    if (done) break;
    first.push(Uint8Array.from(value)); // a piece is good until the next
  }
  async function* all(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first).subarray(0, length), all: all() };
}
