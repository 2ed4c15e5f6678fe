import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { listImages, readImage } from "../../core/image-store.ts";
import type { LocalImage } from "../../core/located-image.ts";
import { hashFile } from "../../core/sparse-copy.ts";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";

const size = 4 * 2 ** 20;
let folder: TestFolder;
let run: TestRun;
let path: string;
beforeEach(() => {
  folder = makeTestFolder();
  run = makeTestRun(folder);
  path = join(folder.path, "disk.raw");
  writeRawDisk(path, { size, data: [{ at: 2 ** 20, bytes: randomBytes(2 ** 20) }] });
});
afterEach(() => folder.remove());

const local = (file = path, changes: Partial<LocalImage> = {}): LocalImage => ({ kind: "local", title: "a disk", path: file, ...changes });
/** What lies in the store beside its images: nothing, when all went well or all was undone. */
const leftIncoming = (): string[] => (existsSync(join(run.paths.store, "incoming")) ? readdirSync(join(run.paths.store, "incoming")) : []);

test("a disk is copied into the store under its sha256, read-only, and recorded with what was verified", async () => {
  const id = await hashFile(path);
  const image = await obtainImage(local(), run, "file");
  expect(image).toEqual({
    source: "file", title: "a disk", origin: path, id, path: join(run.paths.store, id, "disk.raw"), format: "raw", virtualSize: size,
    verified: [{ what: "local", digest: { algorithm: "sha256", hex: id } }],
  });
  expect(readFileSync(image.path).equals(readFileSync(path))).toBe(true);
  expect([statSync(image.path).mode & 0o777, leftIncoming(), run.told]).toEqual([0o444, [], ["Copying a disk", "Copying a disk: done"]]);
});

test("an unchanged file is not read again, and one with the same content is not stored twice", async () => {
  const first = await obtainImage(local(), run);
  expect(await obtainImage(local(), run)).toEqual(first);
  expect(run.told).toEqual(["Copying a disk", "Copying a disk: done"]);
  writeFileSync(join(folder.path, "copy.raw"), readFileSync(path));
  const second = await obtainImage(local(join(folder.path, "copy.raw"), { title: "a copy", release: "12" }), run);
  expect(second).toEqual({ ...first, title: "a copy", release: "12", origin: join(folder.path, "copy.raw") });
  expect(listImages(run.paths.store).map(({ origins }) => origins.map(({ title }) => title))).toEqual([["a disk", "a copy"]]);
});

test("a file that changed becomes another image, and the first stays as it was", async () => {
  const first = await obtainImage(local(), run);
  writeRawDisk(path, { size, data: [{ at: 0x100000, bytes: randomBytes(100) }] });
  const second = await obtainImage(local(), run);
  expect([second.id === first.id, await hashFile(first.path), await hashFile(second.path)]).toEqual([false, first.id, second.id]);
});

test("a relative path is one of the run's folder, and links are followed", async () => {
  symlinkSync(path, join(folder.path, "link"));
  expect((await obtainImage(local("link"), run)).origin).toBe(path);
});

test.each(["vmdk", "vhdx"])("a %s disk is stored as qcow2", async (format) => {
  convertDisk(path, `${path}.${format}`, format);
  const image = await obtainImage(local(`${path}.${format}`), run);
  expect([image.format, image.virtualSize, readFileSync(image.path).subarray(0, 3).toString(), image.verified[0]?.digest?.hex]).toEqual(["qcow2", size, "QFI", await hashFile(`${path}.${format}`)]);
});

test("a qcow2 disk is stored as it is", async () => {
  convertDisk(path, `${path}.qcow2`, "qcow2");
  const image = await obtainImage(local(`${path}.qcow2`), run);
  expect([image.format, image.virtualSize, image.id]).toEqual(["qcow2", size, await hashFile(`${path}.qcow2`)]);
});

test("a qcow2 disk that was cut off is refused, and nothing is left", async () => {
  convertDisk(path, `${path}.qcow2`, "qcow2");
  truncateSync(`${path}.qcow2`, 800_000);
  await expect(obtainImage(local(`${path}.qcow2`), run)).rejects.toMatchObject({ code: "bad-image", message: `${path}.qcow2 is a damaged qcow2 disk; was it cut off?`, hint: "Fetch or copy it again." });
  expect([leftIncoming(), listImages(run.paths.store), run.told.at(-1)]).toEqual([[], [], "Copying a disk: failed"]);
});

test.each([
  ["not there", () => rmSync(path), "not-found", () => `there is no image ${path}`],
  ["empty", () => writeFileSync(path, ""), "bad-image", () => `${path} is empty`],
  ["a folder", () => { rmSync(path); mkdirSync(path); }, "bad-image", () => `${path} is no file`],
  ["a text", () => writeFileSync(path, "hello"), "bad-image", () => `${path} is no disk image: it has neither a qcow2 header nor a boot sector`],
])("a path that is %s is refused before anything is copied", async (_, spoil, code, message) => {
  spoil();
  await expect(obtainImage(local(), run)).rejects.toMatchObject({ code, message: message() });
  expect([run.told, existsSync(join(run.paths.store, "incoming"))]).toEqual([[], false]);
});

test.each(["gz", "xz", "zst", "bz2"] as const)("a disk packed with %s is unpacked on the way, and its file's checksum recorded", async (compression) => {
  const [program, ending] = { gz: ["gzip", "gz"], xz: ["xz", "xz"], zst: ["zstd", "zst"], bz2: ["bzip2", "bz2"] }[compression] as [string, string];
  const disk = readFileSync(path);
  const packed = execFileSync(program, ["-c"], { input: disk, maxBuffer: 2 * size });
  for (const name of [`${path}.${ending}`, join(folder.path, "packed")]) {
    writeFileSync(name, packed);
    const image = await obtainImage(local(name), run);
    expect([image.id, image.format, image.verified]).toEqual([createHash("sha256").update(disk).digest("hex"), "raw", [{ what: "local", digest: { algorithm: "sha256", hex: createHash("sha256").update(packed).digest("hex") } }]]);
  }
  writeFileSync(join(folder.path, "misnamed"), packed);
  await expect(obtainImage(local(join(folder.path, "misnamed"), { compression: compression === "gz" ? "xz" : "gz" }), run)).rejects.toMatchObject({ code: "bad-image", message: expect.stringMatching(/misnamed is packed with .*; its name or its source says that it is packed with /) });
});

test.each(["sha256", "sha512"] as const)("a file that has not the %s that was named is refused", async (algorithm) => {
  const hex = createHash(algorithm).update(readFileSync(path)).digest("hex");
  expect((await obtainImage(local(path, { digest: { algorithm, hex } }), run)).verified).toEqual([{ what: "local", digest: { algorithm, hex } }]);
  const wrong = { algorithm, hex: hex.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) };
  await expect(obtainImage(local(path, { digest: wrong }), run)).rejects.toMatchObject({ code: "digest", message: `${path} is not the file that was meant: expected ${algorithm} ${wrong.hex}, found ${hex}` });
});

test("Ctrl-C ends the copy and leaves nothing", async () => {
  const report = { ...run.report, phase: () => ({ progress: () => run.abort.abort(new Error("Ctrl-C")), note() {}, done() {}, fail() {} }) };
  await expect(obtainImage(local(), { ...run, report })).rejects.toThrow("Ctrl-C");
  expect([leftIncoming(), listImages(run.paths.store)]).toEqual([[], []]);
});

test("a stored disk that somebody changed is put right by the next who needs it", async () => {
  const { id, path: stored } = await obtainImage(local(), run);
  chmodSync(stored, 0o644);
  writeFileSync(stored, "spoilt");
  await obtainImage(local(), run);
  expect([await hashFile(stored), readImage(run.paths.store, id)?.origins.length]).toEqual([id, 1]);
});

test("a stored disk with another time stamp is hashed instead of copied anew", async () => {
  const { path: stored } = await obtainImage(local(), run);
  const { ino } = statSync(stored);
  utimesSync(stored, 1, 1);
  await obtainImage(local(), run);
  expect([statSync(stored).ino, run.told.length]).toEqual([ino, 2]);
});

test("what a killed process left half copied is cleared away by the next", async () => {
  const left = join(run.paths.store, "incoming/dead");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "source"), "half");
  writeFileSync(join(left, "owner"), JSON.stringify({ pid: 4_000_000, startTime: "1", bootId: "x", purpose: "", token: "0" }));
  await obtainImage(local(), run);
  expect(leftIncoming()).toEqual([]);
});

test("many who want the same file at once all get it, and it is there once", async () => {
  const images = await Promise.all(Array.from({ length: 6 }, () => obtainImage(local(), run)));
  expect(new Set(images.map(({ id }) => id)).size).toBe(1);
  expect([listImages(run.paths.store).length, leftIncoming()]).toEqual([1, []]);
});
