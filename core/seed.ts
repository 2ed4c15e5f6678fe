import { writeFileDurably } from "./atomic.ts";
import { isoImage } from "./iso9660.ts";
import type { Seed, WrittenSeed } from "./model.ts";
import type { MachinePaths } from "./paths.ts";

/** By this label cloud-init knows a NoCloud seed (its documentation, "NoCloud"). */
const label = "CIDATA";

/** Writes first-boot data into the machine's folder, readable by its owner alone: it holds the guest's host key. */
export async function writeSeed(seed: Seed, files: Pick<MachinePaths, "ignition" | "nocloud">): Promise<WrittenSeed> {
  if (seed.kind === "ignition") {
    await writeFileDurably(files.ignition, seed.text);
    return { kind: "ignition", path: files.ignition };
  }
  await writeFileDurably(files.nocloud, isoImage(label, seed.files));
  return { kind: "nocloud", path: files.nocloud };
}

/** A seed as a text to read: of several files each has a line with its name above it. */
export function seedText(seed: Seed): string {
  return seed.kind === "ignition" ? seed.text : Object.entries(seed.files).map(([name, text]) => `==> ${name} <==\n${text}`).join("\n");
}
