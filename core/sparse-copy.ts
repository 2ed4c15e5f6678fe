import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, open, type FileHandle } from "node:fs/promises";
import { codeOf } from "./atomic.ts";
import type { DigestAlgorithm } from "./model.ts";
import { SparseFile } from "./sparse-file.ts";

export interface CopyOptions {
  readonly signal?: AbortSignal;
  /** Called after each piece with the bytes done so far. */
  readonly onProgress?: (done: number) => void;
}

const pieceSize = 2 ** 20;

/** Copies a file that must not be there yet, and returns the sha256 of what was written. Shares the blocks where the file system can, else leaves holes for zeros. */
export async function copyAndHash(source: string, target: string, options: CopyOptions = {}): Promise<string> {
  if (await cloned(source, target)) return hashFile(target, options);
  const input = await open(source, "r");
  try {
    const hash = createHash("sha256");
    const output = await SparseFile.open(target);
    try {
      await eachPiece(input, options, async (piece) => {
        hash.update(piece);
        await output.write(piece);
      });
      await output.flush();
      await output.sync();
      return hash.digest("hex");
    } finally {
      await output.close();
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
