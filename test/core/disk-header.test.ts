import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readDiskHeader } from "../../core/disk-header.ts";
import type { SourceFormat } from "../../core/model.ts";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

const size = 4 * 2 ** 20;
let folder: TestFolder;
let path: string;
beforeEach(() => {
  folder = makeTestFolder();
  path = join(folder.path, "disk");
});
afterEach(() => folder.remove());

test.each([
  ["raw", { format: "raw", virtualSize: size }],
  ["qcow2", { format: "qcow2", virtualSize: size }],
  ["vmdk", { format: "vmdk" }],
  ["vhdx", { format: "vhdx" }],
])("a %s disk is told by its first bytes", async (format, header) => {
  writeRawDisk(join(folder.path, "raw"), { size });
  convertDisk(join(folder.path, "raw"), path, format);
  expect(await readDiskHeader(path)).toEqual(header);
});

test("a disk without a boot sector passes as raw where somebody said it is", async () => {
  writeFileSync(path, Buffer.alloc(1024));
  expect(await readDiskHeader(path, "raw")).toEqual({ format: "raw", virtualSize: 1024 });
});

test("a GPT disk that was cut off is found by the place of its second header", async () => {
  const head = Buffer.alloc(2048);
  head.write("EFI PART", 512);
  head.writeBigUInt64LE(99n, 512 + 32);
  writeFileSync(path, head);
  await expect(readDiskHeader(path)).rejects.toMatchObject({ code: "bad-image", message: `${path} ends after 2048 bytes, and its partitions after 51200: it was cut off` });
  truncateSync(path, 51200);
  expect(await readDiskHeader(path)).toEqual({ format: "raw", virtualSize: 51200 });
});

test("the boot sector of a file system is no partition table", async () => {
  const sector = Buffer.alloc(512, 0xff);
  sector.writeUInt16LE(0xaa55, 510);
  writeFileSync(path, sector);
  expect(await readDiskHeader(path)).toEqual({ format: "raw", virtualSize: 512 });
});

test.each<[string, Buffer, SourceFormat | undefined, string]>([
  ["an empty file", Buffer.alloc(0), undefined, "is empty"],
  ["an empty file said to be raw", Buffer.alloc(0), "raw", "is empty"],
  ["an empty file said to be qcow2", Buffer.alloc(0), "qcow2", "is empty"],
  ["a text", Buffer.from("hello\n"), undefined, "is no disk image: it has neither a qcow2 header nor a boot sector"],
  ["a text said to be qcow2", Buffer.from("hello\n"), "qcow2", "is no qcow2 disk; it looks like something else"],
  ["a gzip file", Buffer.from("1f8b0800", "hex"), undefined, "is compressed with gzip, not a disk image"],
  ["an xz file", Buffer.from("fd377a585a00", "hex"), undefined, "is compressed with xz, not a disk image"],
  ["a qcow2 header cut short", Buffer.from("514649fb00000003", "hex"), undefined, "ends in the middle of its header"],
  ["a qcow2 disk of a version to come", Buffer.concat([Buffer.from("514649fb00000004", "hex"), Buffer.alloc(100)]), undefined, "is a qcow2 disk of version 4, expected 2 or 3"],
])("%s is refused, and what it is is said", async (_, bytes, expected, problem) => {
  writeFileSync(path, bytes);
  await expect(readDiskHeader(path, expected)).rejects.toMatchObject({ code: "bad-image", message: `${path} ${problem}` });
});

test("a qcow2 disk that leans on another file is refused, unless it is a machine's own", async () => {
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-u", "-b", "/etc/passwd", "-F", "raw", path, "1M"]);
  await expect(readDiskHeader(path)).rejects.toMatchObject({ code: "bad-image", message: `${path} needs a backing file`, hint: `Make one whole disk of it: qemu-img convert -O qcow2 ${path} NEW` });
  expect(await readDiskHeader(path, "qcow2", { overlay: true })).toEqual({ format: "qcow2", virtualSize: 2 ** 20 });
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-o", `data_file=${folder.path}/elsewhere`, path, "1M"]);
  await expect(readDiskHeader(path)).rejects.toMatchObject({ code: "bad-image", message: `${path} keeps its data in another file` });
});

test("a missing file and a folder are told apart", async () => {
  await expect(readDiskHeader(path)).rejects.toMatchObject({ code: "not-found", message: `there is no image ${path}` });
  mkdirSync(path);
  await expect(readDiskHeader(path)).rejects.toMatchObject({ code: "bad-image" });
});
