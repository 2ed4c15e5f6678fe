import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { listImages } from "../../core/image-store.ts";
import type { LocatedImage } from "../../core/located-image.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";
import { digestOf, serveFile, startWeb, type TestWeb } from "../support/web.ts";

/** The store lies on a small file system of its own, which only root can mount. */
let folder: TestFolder;
let run: TestRun;
let web: TestWeb;
let store: string;
const disk = Buffer.concat([randomBytes(2 ** 20), Buffer.alloc(2 ** 20, "much the same"), randomBytes(2 ** 20), Buffer.alloc(4 * 2 ** 20, "much the same")]);
beforeEach(async () => {
  folder = makeTestFolder();
  run = makeTestRun(folder, { env: {} });
  ({ store } = run.paths);
  mkdirSync(store, { recursive: true, mode: 0o700 });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", store]);
  web = await startWeb();
});
afterEach(async () => {
  await web.close();
  execFileSync("umount", [store]);
  folder.remove();
});

test.each([
  ["a download", () => image({ digest: digestOf(disk) }), disk],
  ["a packed download", () => image({ digest: digestOf(gzipSync(disk)), compression: "gz" }), gzipSync(disk)],
] as const)("%s that does not fit is told as what it is, and the next try works when there is room", async (_, located, bytes) => {
  web.answers["/disk"] = serveFile(bytes, { tag: '"1"' });
  await expect(obtainImage(located(), run)).rejects.toMatchObject({
    code: "disk", message: `a release could not be brought into ${store}: no space is left`, hint: "Free some space; `glowplug image prune` removes images that no machine uses.",
  });
  expect([listImages(store), readdirSync(join(store, "incoming"))]).toEqual([[], []]);
  execFileSync("mount", ["-o", "remount,size=32m", store]);
  web.asked.length = 0;
  expect((await obtainImage(located(), run)).id).toBe(digestOf(disk).hex);
  // What had arrived is not fetched again.
  expect(web.asked.filter((line) => !line.includes("bytes="))).toEqual([]);
});

test("a copy of a file that does not fit is told as well", async () => {
  const path = join(folder.path, "disk");
  writeRawDisk(path, { size: 8 * 2 ** 20, data: [{ at: 4096, bytes: randomBytes(7 * 2 ** 20) }] });
  const located: LocatedImage = { kind: "local", title: "a disk", path };
  await expect(obtainImage(located, run)).rejects.toMatchObject({ code: "disk", message: `${path} could not be copied into ${store}: no space is left` });
  expect(readdirSync(join(store, "incoming"))).toEqual([]);
  execFileSync("mount", ["-o", "remount,size=32m", store]);
  await obtainImage(located, run);
});

test("a file system that is full beforehand is told before anything is fetched", async () => {
  writeFileSync(join(store, "filler"), randomBytes(5 * 2 ** 20));
  await expect(obtainImage(image({ digest: digestOf(disk), size: disk.length }), run)).rejects.toMatchObject({ code: "disk", message: expect.stringMatching(/^a release needs 7MiB in .*, and .* are free$/) });
  expect(web.asked).toEqual([]);
  rmSync(join(store, "filler"));
});

function image(changes: object): LocatedImage {
  return { kind: "fetch", title: "a release", url: `${web.address}/disk`, digest: "waived", format: "raw", compression: "none", ...changes };
}
