import { MachineError } from "./errors.ts";
import { writeFileDurably } from "./atomic.ts";
import type { Seed, WrittenSeed } from "./model.ts";
import type { MachinePaths } from "./paths.ts";

/** Writes first-boot data into the machine's folder, readable by its owner alone: it holds the guest's host key. */
export async function writeSeed(seed: Seed, files: MachinePaths): Promise<WrittenSeed> {
  if (seed.kind === "ignition") {
    await writeFileDurably(files.ignition, seed.text);
    return { kind: "ignition", path: files.ignition };
  }
  throw new MachineError("slots-mismatch", "this version writes no nocloud seed", { hint: "Use an image whose first boot is Ignition." });
}
