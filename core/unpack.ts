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
export interface Unpacker {
  /** Whether it writes what comes out to the target by itself, a file that must not be there yet. */
  readonly writes: boolean;
  /** Each piece is good until the next is asked for. Throws MachineError "bad-image" for a file that is damaged. */
  unpack(packed: AsyncIterable<Uint8Array>, target: string): AsyncIterable<Uint8Array>;
}

/**
 * What unpacks files of a compression: Node itself, the host's programs, or for want of them slower modules of ours.
 * Found before anything is fetched. Throws MachineError "missing-program".
 */
export function findUnpacker(compression: Compression, run: Pick<Run, "host" | "signal" | "trace">): Unpacker {
  switch (compression) {
    case "none": return { writes: false, unpack: (packed) => packed };
    case "gz": return { writes: false, unpack: gunzip };
    case "zip": return { writes: false, unpack: unzip };
    case "xz": case "zst": case "bz2": return findProgram(compression, run);
  }
}

const programs = { xz: "xz", zst: "zstd", bz2: "bzip2" } as const;

function findProgram(compression: keyof typeof programs, { host, signal, trace }: Pick<Run, "host" | "signal" | "trace">): Unpacker {
  const name = programs[compression];
  const program = host.find(name);
  if (program !== undefined) {
    const writes = compression !== "bz2"; // bzip2 leaves no holes
    return { writes, unpack: (packed, target) => throughProgram({ name, program, host, signal, trace }, packed, writes ? target : undefined) };
  }
  if (compression !== "bz2") return { writes: false, unpack: (packed) => throughModule(compression, packed) };
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
