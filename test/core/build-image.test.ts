import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { Command } from "../../core/command.ts";
import type { BuildImage } from "../../core/located-image.ts";
import { listImages } from "../../core/image-store.ts";
import { hashFile } from "../../core/sparse-copy.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";

const size = 2 ** 20;
let folder: TestFolder;
let run: TestRun;
beforeEach(() => {
  folder = makeTestFolder();
  run = makeTestRun(folder);
  writeRawDisk(join(folder.path, "disk.raw"), { size });
});
afterEach(() => folder.remove());

/** A build that runs one shell script, with $1 the output, $2 the scratch folder and $3 the test's folder. */
function build(script: string, changes: Partial<BuildImage> = {}): BuildImage {
  return {
    kind: "build", title: "a system", key: "key-1", needs: ["sh"], format: "raw",
    steps: ({ scratch, output }) => ({
      files: [{ path: join(scratch, "build.sh"), content: { text: script }, mode: 0o700 }],
      commands: [new Command("sh", { name: "maker" }).add("-e").add(join(scratch, "build.sh")).add(output).add(scratch).add(folder.path)],
    }),
    ...changes,
  };
}
const good = 'echo "maker: packing" >&2; echo built >> "$3/count"; cp "$3/disk.raw" "$1"';
const leftIncoming = (): string[] => readdirSync(join(run.paths.store, "incoming"));
const log = (key = "key-1"): string => join(run.paths.cache, "builds", `${key}.log`);

test("a disk is built by its commands, stored, and nothing else of the build stays", async () => {
  const image = await obtainImage(build(good), run, "maker");
  const id = await hashFile(join(folder.path, "disk.raw"));
  expect(image).toEqual({ source: "maker", title: "a system", origin: "key-1", id, path: join(run.paths.store, id, "disk.raw"), format: "raw", virtualSize: size, verified: [{ what: "build", by: "key-1" }] });
  expect([leftIncoming(), run.told]).toEqual([[], ["Building a system", "Building a system: packing", "Building a system: done"]]);
  expect(readFileSync(log(), "utf8")).toMatch(/^\$ sh -e \S+\/build\.sh .*\nmaker: packing\n$/);
});

test("a disk is built once for each key", async () => {
  const first = await obtainImage(build(good), run);
  expect(await obtainImage(build("exit 1", { needs: ["no-such-program"] }), run)).toEqual(first);
  await obtainImage(build(good, { key: "key-2" }), run);
  expect([readFileSync(join(folder.path, "count"), "utf8"), listImages(run.paths.store)[0]?.origins.map((origin) => origin.kind === "build" && origin.key)]).toEqual(["built\nbuilt\n", ["key-1", "key-2"]]);
});

test("of many who ask at once one builds, and the others wait for it", async () => {
  const images = await Promise.all(Array.from({ length: 4 }, () => obtainImage(build(`${good}; sleep 0.3`), run)));
  expect([new Set(images.map(({ id }) => id)).size, readFileSync(join(folder.path, "count"), "utf8")]).toEqual([1, "built\n"]);
  expect(run.told).toContain(`Building a system: waiting for process ${process.pid} (building it)`);
});

test("missing programs are all named before anything begins", async () => {
  await expect(obtainImage(build(good, { needs: ["sh", "no-such-a", "no-such-b"] }), run)).rejects.toMatchObject({
    code: "missing-program", message: "building a system needs no-such-a, no-such-b, not found on this host",
  });
  expect([run.told, existsSync(run.paths.store)]).toEqual([[], false]);
});

test("a build that fails tells its last lines and where all of them are, and leaves nothing in the store", async () => {
  const script = 'for i in $(seq 30); do echo "line $i" >&2; done; mkdir -p "$2/deep/er"; exit 3';
  const last = Array.from({ length: 20 }, (_, index) => `line ${index + 11}`);
  await expect(obtainImage(build(script), run)).rejects.toMatchObject({
    code: "build-failed", message: "maker ended with exit status 3: line 30", details: last, hint: `The whole output is in ${log()}.`,
  });
  expect([leftIncoming(), listImages(run.paths.store), run.told.at(-1), readFileSync(log(), "utf8")]).toEqual([[], [], "Building a system: failed", expect.stringContaining("\nline 1\n")]);
  expect((await obtainImage(build(good), run)).title).toBe("a system");
});

test.each([
  ["leaves no disk", "true", { code: "build-failed", message: "a system: the build ended well but left no disk" }],
  ["leaves something else", 'echo hello > "$1"', { code: "bad-image", message: "a system is no qcow2 disk; it looks like something else" }],
])("a build that %s is refused", async (_, script, error) => {
  await expect(obtainImage(build(script, { format: "qcow2" }), run)).rejects.toMatchObject(error);
  expect(leftIncoming()).toEqual([]);
});

test("Ctrl-C ends the build and all it started", async () => {
  const script = 'sleep 600 & echo $! > "$3/pid"; echo "maker: begun"; wait';
  const report = { ...run.report, phase: () => ({ progress() {}, done() {}, fail() {}, note: () => run.abort.abort() }) };
  await expect(obtainImage(build(script), { ...run, report })).rejects.toMatchObject({ code: "interrupted" });
  const pid = Number(readFileSync(join(folder.path, "pid"), "utf8"));
  await expect.poll(() => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")).toBe(false);
  expect(leftIncoming()).toEqual([]);
});

test("a key that is no good file name does no harm", async () => {
  await obtainImage(build(good, { key: "../../a key/with: anything" }), run);
  expect(readdirSync(join(run.paths.cache, "builds"))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.log$/)]);
  expect((await obtainImage(build("exit 1", { key: "../../a key/with: anything" }), run)).title).toBe("a system");
});
