import { chmodSync, renameSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { syncFile, syncFolder } from "./atomic.ts";
import { Command } from "./command.ts";
import { readDiskHeader } from "./disk-header.ts";
import { MachineError } from "./errors.ts";
import type { DiskFormat } from "./model.ts";
import { runCommand } from "./process.ts";
import { findQemuImg } from "./qemu-img.ts";
import type { RecordedImage } from "./record.ts";
import type { Run } from "./run.ts";
import { copyAndHash } from "./sparse-copy.ts";
import { formatSize } from "./units.ts";

export interface DiskOrder {
  /** What the disk begins as. */
  readonly base: Pick<RecordedImage, "path" | "format" | "virtualSize" | "title">;
  /** Bytes that the guest is to see. */
  readonly size: number;
  readonly path: string;
  /** What the launcher boots. */
  readonly formats: readonly DiskFormat[];
  readonly run: Run;
}

/**
 * Makes a machine's disk: an overlay on the shared base, which takes milliseconds and only what the guest writes; a whole copy
 * where the launcher boots raw disks alone. Mode 0600.
 * Throws MachineError "bad-size" when it would be smaller than its image, "missing-program" without qemu-img, "disk" when it fails.
 */
export async function createDisk({ base, size, path, formats, run }: DiskOrder): Promise<{ readonly path: string; readonly format: DiskFormat }> {
  if (size < base.virtualSize) {
    throw new MachineError("bad-size", `a disk of ${formatSize(size)} is smaller than its image, ${base.title}, of ${formatSize(base.virtualSize)}`, {
      hint: `Ask for at least ${formatSize(base.virtualSize)}.`,
    });
  }
  const format = formats.includes("qcow2") ? "qcow2" : "raw";
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  try {
    if (format === "qcow2") await makeOverlay(base, size, fresh, run);
    else await makeCopy(base, size, fresh, run);
    chmodSync(fresh, 0o600);
    await syncFile(fresh);
    renameSync(fresh, path);
    await syncFolder(dirname(path));
  } finally {
    rmSync(fresh, { force: true });
  }
  return { path, format };
}

/** Makes the disk of a stopped machine larger; its size already is fine. Throws MachineError "bad-size" for a smaller one: the guest's data would be cut off. */
export async function growDisk(disk: { readonly path: string; readonly format: DiskFormat }, size: number, run: Run): Promise<void> {
  const now = await diskSize(disk);
  if (size === now) return;
  if (size < now) throw new MachineError("bad-size", `a disk of ${formatSize(now)} cannot shrink to ${formatSize(size)}`, { hint: "Only a larger size can be set." });
  if (disk.format === "raw") truncateSync(disk.path, size);
  else await qemuImg("make the disk larger", (command) => command.add("resize").add("-q").add("-f", disk.format).add(disk.path).add(String(size)), run);
}

/** Makes a stopped machine's disk stand by itself: what it has of its image is copied into it. Killed midway it is what it was. */
export async function makeWhole({ path, format }: { readonly path: string; readonly format: DiskFormat }, run: Run): Promise<void> {
  if (format !== "qcow2") return;
  await qemuImg("copy the image into the disk", (command) => command.add("rebase").add("-q").add("-f", format).add("-b", "").add(path), run);
}

/** Bytes of a machine's disk as the guest sees them. Reads the header alone. */
export async function diskSize({ path, format }: { readonly path: string; readonly format: DiskFormat }): Promise<number> {
  return (await readDiskHeader(path, format, { overlay: true })).virtualSize ?? 0;
}

async function makeOverlay(base: DiskOrder["base"], size: number, path: string, run: Run): Promise<void> {
  await qemuImg("make the disk", (command) => command.add("create").add("-q").add("-f", "qcow2").add("-F", base.format).add("-b", base.path).add(path).add(String(size)), run);
}

async function makeCopy(base: DiskOrder["base"], size: number, path: string, run: Run): Promise<void> {
  if (base.format === "raw") await copyAndHash(base.path, path, { signal: run.signal });
  else await qemuImg("make a raw disk", (command) => command.add("convert").add("-f", base.format).add("-O", "raw").add(base.path).add(path), run);
  chmodSync(path, 0o600); // a copy that shares blocks has the base's read-only mode
  truncateSync(path, size);
}

async function qemuImg(purpose: string, describe: (command: Command) => Command, run: Run): Promise<void> {
  const command = describe(new Command(findQemuImg(run.host, purpose)));
  await runCommand(command, { signal: run.signal, trace: run.trace, code: "disk", title: `could not ${purpose}` });
}
