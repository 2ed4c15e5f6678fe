import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import type { DownloadLimits } from "../../core/download-limits.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";
import { digestOf, serveFile, startWeb, type TestWeb } from "../support/web.ts";

const size = 2 ** 20;
const disk = randomBytes(size);
const other = randomBytes(size);
let folder: TestFolder;
let web: TestWeb;
beforeEach(async () => {
  folder = makeTestFolder();
  web = await startWeb();
});
afterEach(async () => {
  await web.close();
  folder.remove();
});

const run = (limits: Partial<DownloadLimits> = {}): TestRun => makeTestRun(folder, { env: {} }, { limits: { tries: 2, ...limits } });
const image = (changes: Partial<FetchImage> = {}): FetchImage => ({
  kind: "fetch", title: "a release", url: `${web.address}/disk`, digest: digestOf(disk), format: "raw", compression: "none", ...changes,
});
const partials = (): string[] => (existsSync(folder.paths.partial) ? readdirSync(folder.paths.partial) : []);
/** A try that fails on the way, and leaves its first part. */
async function breakOff(changes: Partial<FetchImage> = {}, { after = size / 2, tag = '"1"' as string | null } = {}): Promise<number> {
  web.answers["/disk"] = serveFile(disk, { breakAfter: after, ...(tag !== null && { tag }) });
  await expect(obtainImage(image(changes), run({ tries: 1 }))).rejects.toMatchObject({ code: "download" });
  const [name = ""] = partials();
  web.asked.length = 0;
  return readFileSync(join(folder.paths.partial, name, "file")).length;
}

test("a connection that breaks is made anew where it stopped, as often as it gets further", async () => {
  web.answers["/disk"] = serveFile(disk, { tag: '"1"', breakAfter: 300_000 });
  expect((await obtainImage(image(), run())).id).toBe(digestOf(disk).hex);
  expect(web.asked.map((line) => line.replace(/\d+/, "N"))).toEqual(["/disk", "/disk bytes=N-", "/disk bytes=N-", "/disk bytes=N-"]);
  expect(partials()).toEqual([]);
});

test("the next try goes on where the last stopped, and asks with If-Range", async () => {
  const here = await breakOff();
  const conditions: unknown[] = [];
  const serve = serveFile(disk, { tag: '"1"' });
  web.answers["/disk"] = (request, response) => {
    conditions.push(request.headers["if-range"]);
    serve(request, response);
  };
  expect((await obtainImage(image(), run())).id).toBe(digestOf(disk).hex);
  expect([here, web.asked, conditions]).toEqual([size / 2, [`/disk bytes=${size / 2}-`], ['"1"']]);
});

test("a file that is another one by now is fetched anew, from its beginning", async () => {
  await breakOff({ digest: "waived" });
  web.answers["/disk"] = serveFile(other, { tag: '"2"' });
  expect((await obtainImage(image({ digest: "waived" }), run())).id).toBe(digestOf(other).hex);
  expect(web.asked).toEqual([`/disk bytes=${size / 2}-`, "/disk"]);
});

test("a server that sends another file's end without saying so is found out, and the file is fetched anew", async () => {
  await breakOff();
  const range = `/disk bytes=${size / 2}-`;
  web.answers["/disk"] = (request, response) => serveFile(web.asked.at(-1) === range ? other : disk, { tag: '"1"' })(request, response);
  expect((await obtainImage(image(), run())).id).toBe(digestOf(disk).hex);
  expect(web.asked).toEqual([range, "/disk"]);
});

test("a server that breaks off and always begins anew is given up", async () => {
  web.answers["/disk"] = (_, response) => {
    response.writeHead(200, { "content-length": size });
    response.write(disk.subarray(0, 300_000), () => response.destroy());
  };
  await expect(obtainImage(image(), run())).rejects.toMatchObject({ code: "download", message: `${web.address}/disk could not be fetched: it broke off again and again, and the server can only begin anew` });
  expect(partials()).toEqual([]);
});

test("a server that knows no ranges sends it all once more", async () => {
  await breakOff();
  web.answers["/disk"] = (_, response) => response.end(disk);
  expect((await obtainImage(image(), run())).id).toBe(digestOf(disk).hex);
});

test("a mirror goes on where another stopped when a checksum guards the whole, else it begins anew", async () => {
  await breakOff();
  web.answers["/mirror"] = serveFile(disk, { tag: '"of the mirror"' });
  await obtainImage(image({ url: `${web.address}/mirror` }), run());
  expect(web.asked).toEqual([`/mirror bytes=${size / 2}-`]);
});

test("without a checksum nothing is put together from a file that has no tag", async () => {
  await breakOff({ digest: "waived" }, { tag: null });
  web.answers["/disk"] = serveFile(disk);
  await obtainImage(image({ digest: "waived" }), run());
  expect(web.asked).toEqual(["/disk"]);
});

test("a file that was here whole is not asked for again", async () => {
  await breakOff({}, { after: size - 1 });
  web.asked.length = 0;
  const [name = ""] = partials();
  writeFileSync(join(folder.paths.partial, name, "file"), disk);
  expect((await obtainImage(image({ size }), run())).id).toBe(digestOf(disk).hex);
  expect(web.asked).toEqual([]);
});

test("after the host has booted anew only what was made last is believed", async () => {
  await breakOff();
  const [name = ""] = partials();
  const state = join(folder.paths.partial, name, "state.json");
  writeFileSync(state, JSON.stringify({ ...JSON.parse(readFileSync(state, "utf8")) as object, bootId: "an earlier one", durable: 1000 }));
  truncateSync(join(folder.paths.partial, name, "file"), size / 2);
  web.answers["/disk"] = serveFile(disk, { tag: '"1"' });
  expect((await obtainImage(image(), run())).id).toBe(digestOf(disk).hex);
  expect(web.asked).toEqual(["/disk bytes=1000-"]);
});

test("zeros at the end are not fetched again, though they take no room", async () => {
  const holes = Buffer.concat([disk.subarray(0, 100_000), Buffer.alloc(4 * size)]);
  web.answers["/disk"] = serveFile(holes, { tag: '"1"', breakAfter: 3 * size });
  await expect(obtainImage(image({ digest: digestOf(holes) }), run({ tries: 1 }))).rejects.toMatchObject({ code: "download" });
  web.answers["/disk"] = serveFile(holes, { tag: '"1"' });
  await obtainImage(image({ digest: digestOf(holes) }), run());
  expect(web.asked).toEqual(["/disk", `/disk bytes=${3 * size}-`]);
});

test("a download that stalls is made anew, and given up after some tries without a byte", async () => {
  web.answers["/disk"] = (_, response) => response.flushHeaders();
  await expect(obtainImage(image(), run({ stallMs: 50, tries: 3 }))).rejects.toMatchObject({ code: "download", message: `${web.address}/disk could not be fetched: nothing arrived for 0.05 s` });
});

test("it waits longer each time, and as long as the server asks for", async () => {
  const waited: number[] = [];
  web.answers["/disk"] = (_, response) => void response.writeHead(503, { "retry-after": "0" }).end();
  await expect(obtainImage(image(), run({ tries: 4, pauseMs: (failed) => { waited.push(failed); return 0; } }))).rejects.toMatchObject({
    code: "download", message: `${web.address}/disk could not be fetched: the server answered 503`, hint: "The server has a problem of its own; try again later.",
  });
  expect([waited, web.asked.length]).toEqual([[1, 2, 3], 4]);
});

test("headers go to the address's own origin alone, and are recorded nowhere", async () => {
  const seen: unknown[] = [];
  const elsewhere = await startWeb();
  try {
    elsewhere.answers["/disk"] = (request, response) => {
      seen.push([request.headers.authorization, request.headers["x-token"]]);
      response.end(disk);
    };
    web.answers["/disk"] = (request, response) => {
      seen.push([request.headers.authorization, request.headers["x-token"]]);
      response.writeHead(302, { location: `${elsewhere.address}/disk` }).end();
    };
    const { path } = await obtainImage(image({ headers: { authorization: "Bearer secret", "x-token": "secret" } }), run());
    expect(seen).toEqual([["Bearer secret", "secret"], [undefined, undefined]]);
    expect(readFileSync(join(path, "../image.json"), "utf8")).not.toContain("secret");
  } finally {
    await elsewhere.close();
  }
});
