import { createReadStream } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Command } from "./command.ts";
import { MachineError, messageOf } from "./errors.ts";
import type { Compression } from "./model.ts";
import { runCommand } from "./process.ts";
import type { Run } from "./run.ts";
import { SparseWriter } from "./sparse-copy.ts";

/** Unpacks a file into a folder, where it may move it, and tells the sha256 of the result if it made one on the way. */
export type Unpacker = (packed: string, folder: string) => Promise<{ readonly path: string; readonly sha256?: string }>;

/**
 * What unpacks files of a compression: Node itself, or the host's programs for those that Node 20 lacks.
 * Found before anything is fetched. Throws MachineError "missing-program", and "bad-image" for zip.
 */
export function findUnpacker(compression: Compression, run: Run): Unpacker {
  switch (compression) {
    case "none": return async (packed) => ({ path: packed });
    case "gz": return (packed, folder) => gunzip(packed, join(folder, "disk"), run);
    case "xz": return unpackWith("xz", ".xz", run);
    case "zst": return unpackWith("zstd", ".zst", run);
    case "bz2": return unpackWith("bzip2", ".bz2", run);
    case "zip": throw new MachineError("bad-image", "an image in a zip archive cannot be used", { hint: "Unpack it and use the disk as a local file." });
  }
}

/** xz, zstd and bzip2 all take the ending off the file's name. */
function unpackWith(name: string, ending: string, run: Run): Unpacker {
  const program = run.host.find(name);
  if (program === undefined) throw new MachineError("missing-program", `${name} is needed to unpack the image, and is not there`, { hint: "Install it with the system's package manager." });
  return async (packed, folder) => {
    const path = join(folder, "disk");
    await rename(packed, `${path}${ending}`);
    await runCommand(new Command(program).add("-d").add("-q").add(`${path}${ending}`), { signal: run.signal, trace: run.trace, code: "bad-image", title: "unpacking the image" });
    return { path };
  };
}

async function gunzip(packed: string, path: string, run: Run): Promise<{ readonly path: string; readonly sha256: string }> {
  const writer = await SparseWriter.create(path);
  try {
    await pipeline(createReadStream(packed, { highWaterMark: 2 ** 20 }), createGunzip({ chunkSize: 2 ** 20 }), async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) await writer.write(piece);
    }, { signal: run.signal });
    return { path, sha256: await writer.end() };
  } catch (cause) {
    run.signal.throwIfAborted();
    throw cause instanceof MachineError ? cause : new MachineError("bad-image", `the image could not be unpacked: ${messageOf(cause)}`, { cause });
  } finally {
    await writer.close();
  }
}
