import { chmodSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../../core/cache.ts";
import { checkBase } from "../../../core/lifecycle/base-disk.ts";
import type { MachineRecord } from "../../../core/record.ts";
import { writeRawDisk } from "../../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";
import { sampleRecord } from "../../support/record.ts";
import { makeTestRun, type TestRun } from "../../support/run.ts";

let folder: TestFolder;
let run: TestRun;
let record: MachineRecord;
beforeEach(async () => {
  folder = makeTestFolder();
  run = makeTestRun(folder);
  writeRawDisk(join(folder.path, "disk"), { size: 4096, data: [{ at: 1024, bytes: Buffer.from("data") }] });
  record = sampleRecord(run.paths, "web", { image: await obtainImage({ kind: "local", title: "a disk", path: join(folder.path, "disk") }, run) });
});
afterEach(() => folder.remove());

test("a base that nobody touched is fine, and one with another time stamp alone", async () => {
  await checkBase(record, run);
  utimesSync(record.image.path, 1, 1);
  await checkBase(record, run);
});

test("a base of which image.json says nothing any more is told by its checksum", async () => {
  writeFileSync(join(record.image.path, "../image.json"), "{");
  await checkBase(record, run);
  chmodSync(record.image.path, 0o600);
  writeFileSync(record.image.path, Buffer.alloc(4096, "x"));
  await expect(checkBase(record, run)).rejects.toMatchObject({ code: "digest" });
});

test.each<[string, (path: string) => void, string, RegExp]>([
  ["is gone", (path) => renameSync(path, `${path}.away`), "not-found", /^the disk of web stands on an image that is gone: \//],
  ["was changed", (path) => { chmodSync(path, 0o600); writeFileSync(path, Buffer.alloc(4096, "x")); utimesSync(path, 1, 1); }, "digest", /^the disk of web stands on a damaged image: .* is not what it was$/],
  ["was cut off", (path) => { chmodSync(path, 0o600); writeFileSync(path, "x"); }, "digest", /^the disk of web stands on a damaged image/],
])("a base that %s is told before a machine boots from it, with what to do", async (_, spoil, code, message) => {
  spoil(record.image.path);
  await expect(checkBase(record, run)).rejects.toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringContaining(`It came from ${record.image.origin}`) });
  await checkBase({ ...record, disk: { ...record.disk, format: "raw" } }, run); // a whole copy needs none
  await obtainImage({ kind: "local", title: "a disk", path: join(folder.path, "disk") }, run);
  await checkBase(record, run);
});
