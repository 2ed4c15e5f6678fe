import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDisk, diskSize, growDisk, makeWhole, type DiskOrder } from "../../core/disk.ts";
import type { DiskFormat } from "../../core/model.ts";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";

const MiB = 2 ** 20;
let folder: TestFolder;
let run: TestRun;
const at = (name: string): string => join(folder.path, name);
beforeEach(() => {
  folder = makeTestFolder();
  run = makeTestRun(folder);
  writeRawDisk(at("base.raw"), { size: 4 * MiB, data: [{ at: MiB, bytes: randomBytes(MiB) }] });
  convertDisk(at("base.raw"), at("base.qcow2"), "qcow2");
  for (const name of ["base.raw", "base.qcow2"]) chmodSync(at(name), 0o444);
});
afterEach(() => folder.remove());

const order = (base: DiskFormat, formats: readonly DiskFormat[], size = 64 * MiB): DiskOrder => ({
  base: { path: at(`base.${base}`), format: base, virtualSize: 4 * MiB, title: "a system" }, size, path: at("disk"), formats, run,
});
/** The disk as a guest reads it. */
function content(path: string, format: DiskFormat): Buffer {
  execFileSync("qemu-img", ["convert", "-f", format, "-O", "raw", path, at("seen")]);
  return readFileSync(at("seen"));
}

test.each<[DiskFormat, readonly DiskFormat[], DiskFormat]>([
  ["qcow2", ["qcow2", "raw"], "qcow2"],
  ["raw", ["raw", "qcow2"], "qcow2"],
  ["raw", ["raw"], "raw"],
  ["qcow2", ["raw"], "raw"],
])("of a %s base, for a launcher that boots %j, a %s disk is made that begins as the base", async (base, formats, format) => {
  expect(await createDisk(order(base, formats))).toEqual({ path: at("disk"), format });
  expect([await diskSize({ path: at("disk"), format }), statSync(at("disk")).mode & 0o777]).toEqual([64 * MiB, 0o600]);
  const seen = content(at("disk"), format);
  expect([seen.length, seen.subarray(0, 4 * MiB).equals(readFileSync(at("base.raw")))]).toEqual([64 * MiB, true]);
  expect(statSync(at("disk")).blocks * 512).toBeLessThan(format === "qcow2" ? MiB : 3 * MiB);
});

test.each<DiskFormat>(["raw", "qcow2"])("an overlay on a %s base can be made to stand by itself, with what the guest wrote", async (base) => {
  await createDisk(order(base, ["qcow2"]));
  execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 7 8M 64k", at("disk")]);
  const before = content(at("disk"), "qcow2");
  await makeWhole({ path: at("disk"), format: "qcow2" }, run);
  for (const name of ["base.raw", "base.qcow2"]) renameSync(at(name), at(`${name}.gone`));
  expect(content(at("disk"), "qcow2").equals(before)).toBe(true);
  const info = JSON.parse(execFileSync("qemu-img", ["info", "--output=json", at("disk")], { encoding: "utf8" })) as Record<string, unknown>;
  expect(info["backing-filename"]).toBeUndefined();
});

test("an overlay stands on its base by absolute path and format", async () => {
  await createDisk(order("raw", ["qcow2"]));
  const info = JSON.parse(execFileSync("qemu-img", ["info", "--output=json", at("disk")], { encoding: "utf8" })) as Record<string, unknown>;
  expect([info["backing-filename"], info["backing-filename-format"]]).toEqual([at("base.raw"), "raw"]);
});

test("a disk smaller than its image is refused with both sizes, and one of the same size is fine", async () => {
  await expect(createDisk(order("qcow2", ["qcow2"], 3 * MiB))).rejects.toMatchObject({
    code: "bad-size", message: "a disk of 3MiB is smaller than its image, a system, of 4MiB", hint: "Ask for at least 4MiB.",
  });
  expect(existsSync(at("disk"))).toBe(false);
  await createDisk(order("qcow2", ["qcow2"], 4 * MiB));
});

test("without qemu-img the step to install it is told", async () => {
  const bare = makeTestRun(folder, { find: () => undefined, os: "linux" });
  await expect(createDisk({ ...order("qcow2", ["qcow2"]), run: bare })).rejects.toMatchObject({
    code: "missing-program", message: "qemu-img is needed to make the disk, and is not there", hint: expect.stringContaining("apt-get install qemu-utils"),
  });
});

test("a failure of qemu-img is told in its words and leaves nothing", async () => {
  const wrong = order("qcow2", ["qcow2"]);
  await expect(createDisk({ ...wrong, base: { ...wrong.base, path: at("gone.qcow2") } })).rejects.toMatchObject({ code: "disk", message: expect.stringMatching(/^could not make the disk: qemu-img ended with exit status 1: /) });
  expect(readdirSync(folder.path).filter((name) => name.startsWith("disk"))).toEqual([]);
});

test.each<[DiskFormat]>([["qcow2"], ["raw"]])("a %s disk grows, keeps what is on it, and never shrinks", async (format) => {
  const disk = await createDisk(order(format, [format], 8 * MiB));
  await growDisk(disk, 16 * MiB, run);
  await growDisk(disk, 16 * MiB, run);
  expect([await diskSize(disk), content(disk.path, format).subarray(0, 4 * MiB).equals(readFileSync(at("base.raw")))]).toEqual([16 * MiB, true]);
  await expect(growDisk(disk, 8 * MiB, run)).rejects.toMatchObject({ code: "bad-size", message: "a disk of 16MiB cannot shrink to 8MiB" });
});

test("an earlier try that was cut short does not stand in the way", async () => {
  writeFileSync(at("disk.new"), "half");
  await createDisk(order("raw", ["raw"]));
  expect(existsSync(at("disk.new"))).toBe(false);
});
