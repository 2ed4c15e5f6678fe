import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, open, type FileHandle } from "node:fs/promises";
import { codeOf } from "./atomic.ts";
import type { DigestAlgorithm } from "./model.ts";

export interface CopyOptions {
  readonly signal?: AbortSignal;
  /** Called after each piece with the bytes done so far. */
  readonly onProgress?: (done: number) => void;
}

const pieceSize = 2 ** 20;
const zeros = Buffer.alloc(pieceSize);

/** Copies a file that must not be there yet, and returns the sha256 of what was written. Shares the blocks where the file system can, else leaves holes for zeros. */
export async function copyAndHash(source: string, target: string, options: CopyOptions = {}): Promise<string> {
  if (await cloned(source, target)) return hashFile(target, options);
  const input = await open(source, "r");
  try {
    const writer = await SparseWriter.create(target);
    try {
      await eachPiece(input, options, (piece) => writer.write(piece));
      return await writer.end();
    } finally {
      await writer.close();
    }
  } finally {
    await input.close();
  }
}

/** Checksum of a file, as lower-case hex. Default: sha256. */
export async function hashFile(path: string, options: CopyOptions & { readonly algorithm?: DigestAlgorithm } = {}): Promise<string> {
  const hash = createHash(options.algorithm ?? "sha256");
  const input = await open(path, "r");
  try {
    await eachPiece(input, options, (piece) => void hash.update(piece));
    return hash.digest("hex");
  } finally {
    await input.close();
  }
}

/** Writes a new file from its beginning to its end, with holes where there are zeros, and hashes it on the way. */
export class SparseWriter {
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<SparseWriter> {
    return new SparseWriter(await open(path, "wx", 0o600));
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#hash.update(piece);
    for (let at = 0; at < piece.length; at += pieceSize) {
      const part = piece.subarray(at, at + pieceSize);
      if (!zeros.subarray(0, part.length).equals(part)) await writeAll(this.#handle, part, this.#size);
      this.#size += part.length;
    }
  }

  /** Makes the file last and returns its sha256. */
  async end(): Promise<string> {
    await this.#handle.truncate(this.#size);
    await this.#handle.sync();
    return this.#hash.digest("hex");
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function eachPiece(input: FileHandle, { signal, onProgress }: CopyOptions, take: (piece: Buffer) => Promise<void> | void): Promise<void> {
  const buffer = Buffer.allocUnsafe(pieceSize);
  for (let done = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, pieceSize, done);
    if (bytesRead === 0) return;
    await take(buffer.subarray(0, bytesRead));
    done += bytesRead;
    onProgress?.(done);
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < piece.length; ) done += (await handle.write(piece, done, piece.length - done, position + done)).bytesWritten;
}

/** True where the file system made the copy by sharing blocks: btrfs, xfs, APFS. */
async function cloned(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (["ENOTSUP", "EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EPERM"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}
