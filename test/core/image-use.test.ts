import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { imageUse, pruneImages, removeImage, verifyImage } from "../../core/image-use.ts";
import { listImages } from "../../core/image-store.ts";
import { takeLock } from "../../core/lock.ts";
import type { RecordedImage } from "../../core/record.ts";
import { writeRecord } from "../../core/store.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";

let folder: TestFolder;
let run: TestRun;
beforeEach(() => {
  folder = makeTestFolder();
  run = makeTestRun(folder);
});
afterEach(() => folder.remove());

/** An image in the store that no process keeps there: as the next verb finds it. */
async function store(name: string, bytes: string): Promise<RecordedImage> {
  const path = join(folder.path, name);
  writeRawDisk(path, { size: 4096, data: [{ at: 1024, bytes: Buffer.from(bytes) }] });
  const image = await obtainImage({ kind: "local", title: name, path }, run);
  for (const mark of readdirSync(join(run.paths.store, "uses"))) {
    writeFileSync(join(run.paths.store, "uses", mark), JSON.stringify({ pid: 4_000_000, startTime: "1", bootId: "x", purpose: "", token: "0" }));
  }
  return image;
}
const ids = (): string[] => listImages(run.paths.store).map(({ id }) => id);

test("downloads that broke off are pruned as well, but not one that is under way", async () => {
  const [going, left] = ["sha256-going", "sha256-left"].map((name) => join(run.paths.partial, name)) as [string, string];
  for (const path of [going, left]) mkdirSync(path, { recursive: true });
  const lock = await takeLock(join(run.paths.store, "locks/partial-sha256-going"), { purpose: "downloading it" });
  await pruneImages(run.paths);
  lock.release();
  expect([existsSync(going), existsSync(left)]).toEqual([true, false]);
});

test("images that no machine needs are pruned, the others stay", async () => {
  const [used, unused] = [await store("used", "a"), await store("unused", "b")];
  await writeRecord(run.paths, sampleRecord(run.paths, "web", { image: used }));
  expect(imageUse(run.paths)).toEqual({ users: new Map([[used.id, ["web"]]]), unknown: [] });
  expect((await pruneImages(run.paths)).map(({ id }) => id)).toEqual([unused.id]);
  expect([ids(), existsSync(used.path), existsSync(unused.path), readdirSync(join(run.paths.store, "incoming"))]).toEqual([[used.id], true, false, []]);
  expect(await pruneImages(run.paths)).toEqual([]);
});

test("an image is removed by the beginning of its id, but not under a machine", async () => {
  const image = await store("a", "a");
  await writeRecord(run.paths, sampleRecord(run.paths, "web", { image }));
  await expect(removeImage(run.paths, image.id)).rejects.toMatchObject({ code: "wrong-state", message: `the image ${image.id.slice(0, 12)} (a) is in use by web`, hint: "Remove those machines first." });
  const other = await store("b", "b");
  expect((await removeImage(run.paths, other.id.slice(0, 12))).id).toBe(other.id);
  await expect(removeImage(run.paths, other.id)).rejects.toMatchObject({ code: "not-found" });
  await expect(removeImage(run.paths, "../machines")).rejects.toMatchObject({ code: "not-found", message: 'there is no image "../machines"' });
  expect(ids()).toEqual([image.id]);
});

test("an image that a process has just taken for a machine stays until that process ends", async () => {
  const path = join(folder.path, "disk");
  writeRawDisk(path, { size: 4096 });
  const worker = fileURLToPath(new URL("../support/image-worker.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", worker, folder.path, path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    expect(await pruneImages(run.paths)).toEqual([]);
    expect([...imageUse(run.paths).users.values()]).toEqual([[`process ${child.pid}`]]);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  expect(await pruneImages(run.paths)).toHaveLength(1);
  expect(readdirSync(join(run.paths.store, "uses"))).toEqual([]);
});

test("while a record cannot be read nothing is removed, since any image might be its", async () => {
  const image = await store("a", "a");
  const file = run.paths.machine("broken").record;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "{");
  const message = expect.stringContaining("the record of broken cannot be read");
  await expect(pruneImages(run.paths)).rejects.toMatchObject({ code: "wrong-state", message });
  await expect(removeImage(run.paths, image.id)).rejects.toMatchObject({ code: "wrong-state", message });
  expect(ids()).toEqual([image.id]);
});

test("a disk that has changed is found by hashing it", async () => {
  const image = await store("a", "a");
  expect((await verifyImage(run.paths, image.id)).id).toBe(image.id);
  chmodSync(image.path, 0o644);
  writeRawDisk(image.path, { size: 4096, data: [{ at: 1024, bytes: Buffer.from("b") }] });
  await expect(verifyImage(run.paths, image.id.slice(0, 8))).rejects.toMatchObject({ code: "digest", message: expect.stringContaining(`is damaged: expected sha256 ${image.id}, found `) });
});
