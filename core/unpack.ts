import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MachineError, messageOf } from "./errors.ts";
import type { Compression } from "./model.ts";
import type { Run } from "./run.ts";
import { damaged } from "./unpack/damaged.ts";
import { throughProgram } from "./unpack/program.ts";
import { throughModule } from "./unpack/modules.ts";
import { unzip } from "./unpack/zip.ts";

/** Turns the bytes of a packed file into those of what is in it, piece by piece: it holds no more than a few of them. */
export type Unpacker = (packed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/**
 * What unpacks files of a compression: Node itself, the host's programs, or for want of them slower modules of ours.
 * Found before anything is fetched. Throws MachineError "missing-program"; the unpacker throws "bad-image" for a file that is damaged.
 */
export function findUnpacker(compression: Compression, run: Pick<Run, "host" | "signal" | "trace">): Unpacker {
  switch (compression) {
    case "none": return (packed) => packed;
    case "gz": return gunzip;
    case "zip": return unzip;
    case "xz": case "zst": case "bz2": return findProgram(compression, run);
  }
}

const programs = { xz: "xz", zst: "zstd", bz2: "bzip2" } as const;

function findProgram(compression: keyof typeof programs, { host, signal, trace }: Pick<Run, "host" | "signal" | "trace">): Unpacker {
  const name = programs[compression];
  const program = host.find(name);
  if (program !== undefined) return (packed) => throughProgram({ name, program, host, signal, trace }, packed);
  if (compression !== "bz2") return (packed) => throughModule(compression, packed);
  throw new MachineError("missing-program", `${name} is needed to unpack the image, and is not there`, { hint: "Install it with the system's package manager." });
}

async function* gunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const source = Readable.from(packed, { objectMode: false, highWaterMark: 2 ** 20 });
  let failed: unknown;
  source.once("error", (error) => { failed = error; });
  // A larger piece is twice as quick as the usual 16 KiB.
  const unzipped = pipeline(source, createGunzip({ chunkSize: 2 ** 20 }), () => {});
  try {
    yield* unzipped as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw failed ?? damaged("gzip", messageOf(cause), cause);
  }
}
