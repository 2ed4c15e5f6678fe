import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { listImages } from "../../core/image-store.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { convertDisk, writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";
import { digestOf, serveFile, startWeb, type TestWeb, type WebAnswer } from "../support/web.ts";

let folder: TestFolder;
let run: TestRun;
let web: TestWeb;
let disk: Buffer;
beforeEach(async () => {
  folder = makeTestFolder();
  run = makeTestRun(folder, { env: {} }, { limits: { tries: 2, mostUnpacked: (packed) => 2 ** 20 + 20 * packed } });
  web = await startWeb();
  writeRawDisk(join(folder.path, "disk"), { size: 2 ** 20, data: [{ at: 4096, bytes: randomBytes(100_000) }] });
  disk = readFileSync(join(folder.path, "disk"));
});
afterEach(async () => {
  await web.close();
  folder.remove();
});

const image = (changes: Partial<FetchImage> = {}): FetchImage => ({
  kind: "fetch", title: "a release", url: `${web.address}/disk`, digest: digestOf(disk), format: "raw", compression: "none", ...changes,
});
/** What is in the store that is no whole image. */
const halfMade = (): string[] => readdirSync(join(run.paths.store, "incoming"));

interface Bad {
  readonly answer: () => WebAnswer;
  /** What is published, and how it is described. */
  readonly good?: () => Buffer;
  readonly image?: () => Partial<FetchImage>;
  readonly code: string;
  /** Behind the address. */
  readonly says: RegExp;
}
const sends = (bytes: () => Buffer, headers: Readonly<Record<string, string | number>> = {}) => (): WebAnswer => (_, response) => void response.writeHead(200, headers).end(bytes());

const table: Readonly<Record<string, Bad>> = {
  "a server that stops half-way": { answer: () => (_, response) => { response.writeHead(200, { "content-length": disk.length }); response.write(disk.subarray(0, 500_000), () => response.destroy()); }, code: "download", says: /^ could not be fetched: it broke off again and again/ },
  "a server that sends too little": { answer: sends(() => disk.subarray(0, 500_000)), code: "digest", says: /^ is not what was published: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}$/ },
  "a server that sends less than was published": { answer: () => (_, response) => { response.write(disk.subarray(0, 500_000)); response.end(); }, image: () => ({ size: disk.length }), code: "download", says: /^ could not be fetched: it broke off again and again/ },
  "a server that sends too much": { answer: () => (_, response) => { response.write(disk); response.end("more"); }, image: () => ({ size: disk.length }), code: "download", says: /^ could not be fetched: more than its 1048576 bytes arrived$/ },
  "a server with another length than was published": { answer: sends(() => disk.subarray(0, 1000), { "content-length": 1000 }), image: () => ({ size: disk.length }), code: "download", says: /^ could not be fetched: the server has 1000 bytes, expected 1048576$/ },
  "garbage": { answer: sends(() => Buffer.alloc(2 ** 20, "garbage")), code: "digest", says: /^ is not what was published: / },
  "garbage in place of a packed disk": { answer: sends(() => Buffer.alloc(2 ** 20, "garbage")), good: () => gzipSync(disk), image: () => ({ compression: "gz" }), code: "bad-image", says: /^ is not packed; its name or its source says that it is packed with gzip$/ },
  "a file that is damaged in the middle": { answer: () => sends(() => spoiled(gzipSync(disk)))(), good: () => gzipSync(disk), image: () => ({ compression: "gz" }), code: "bad-image", says: /^the image could not be unpacked: gzip: / },
  "404": { answer: () => (_, response) => void response.writeHead(404).end(), code: "download", says: /^ could not be fetched: the server answered 404$/ },
  "403": { answer: () => (_, response) => void response.writeHead(403).end(), code: "download", says: /^ could not be fetched: the server answered 403$/ },
  "500": { answer: () => (_, response) => void response.writeHead(500).end(), code: "download", says: /^ could not be fetched: the server answered 500$/ },
  "a redirect loop": { answer: () => (_, response) => void response.writeHead(302, { location: "/disk" }).end(), code: "download", says: /^ could not be fetched: it is redirected more than 10 times$/ },
  "a web page in place of an image": { answer: sends(() => Buffer.from("\n<!DOCTYPE html><html><body>Please log in</body></html>"), { "content-type": "text/html" }), code: "bad-image", says: /^ is a web page, not an image$/ },
  "a file that is packed otherwise than said": { answer: sends(() => gzipSync(disk)), good: () => gzipSync(disk), image: () => ({ compression: "xz" }), code: "bad-image", says: /^ is packed with gzip; its name or its source says that it is packed with xz$/ },
  "a packed file that is said to be a disk": { answer: sends(() => gzipSync(disk)), good: () => gzipSync(disk), code: "bad-image", says: /^ is packed with gzip; its name or its source says that it is not packed$/ },
  "a disk of another format than said": { answer: sends(() => gzipSync(disk)), good: () => gzipSync(disk), image: () => ({ compression: "gz", format: "qcow2" }), code: "bad-image", says: /^ is no qcow2 disk; it looks like a raw disk$/ },
  "a qcow2 disk that is said to be raw": { answer: sends(() => qcow2()), good: () => qcow2(), code: "bad-image", says: /^ is no raw disk; it looks like a qcow2 disk$/ },
  "a decompression bomb": { answer: sends(() => gzipSync(Buffer.alloc(8 * 2 ** 20, disk.subarray(0, 512)))), good: () => gzipSync(Buffer.alloc(8 * 2 ** 20, disk.subarray(0, 512))), image: () => ({ compression: "gz" }), code: "bad-image", says: /^ unpacks to more than [\d.]+MiB from .*: no disk is that large, so it is taken for a decompression bomb$/ },
};
function qcow2(): Buffer {
  convertDisk(join(folder.path, "disk"), join(folder.path, "disk.qcow2"), "qcow2");
  return readFileSync(join(folder.path, "disk.qcow2"));
}
function spoiled(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(1000, 0xff), bytes.subarray(bytes.length / 2 + 1000)]);
}

describe("a clear error with the address and what to do, nothing half-made, and a next try that works", () => {
  test.each(Object.entries(table))("%s", async (_, { answer, good = () => disk, image: changes = () => ({}), code, says }) => {
    web.answers["/disk"] = answer();
    const published = { digest: digestOf(good()), ...changes() };
    const message = await obtainImage(image(published), run).then(() => "none", (error: Error & { code: string; hint?: string }) => {
      expect([error.code, error.hint ?? ""]).toEqual([code, expect.stringMatching(/./)]);
      return error.message;
    });
    expect(message.replace(`${web.address}/disk`, "")).toMatch(says);
    expect([halfMade(), listImages(run.paths.store)]).toEqual([[], []]);
    web.answers["/disk"] = serveFile(disk);
    expect((await obtainImage(image(), run)).id).toBe(digestOf(disk).hex);
  });

  test("a published file that ends in the middle of an archive", async () => {
    const packed = execFileSync("xz", ["-c", "-1"], { input: disk });
    web.answers["/disk"] = serveFile(packed.subarray(0, packed.length - 100));
    await expect(obtainImage(image({ compression: "xz", digest: digestOf(packed) }), run)).rejects.toMatchObject({ code: "bad-image", message: expect.stringMatching(/^the image could not be unpacked: xz: .*Unexpected end of input$/) });
  });
});

describe("a signature of the file", () => {
  let publisher: TestSigner;
  let stranger: TestSigner;
  beforeEach(async () => {
    [publisher, stranger] = await Promise.all([makeSigner("publisher"), makeSigner("stranger")]);
    web.answers["/disk"] = serveFile(disk);
  });
  const signed = (changes: Partial<FetchImage> = {}): FetchImage => image({ signature: { url: `${web.address}/disk.sig`, keys: [publisher.key] }, ...changes });
  const serveSignature = (bytes: Buffer): void => void (web.answers["/disk.sig"] = (_, response) => response.end(bytes));

  test.each(["none", "gz"] as const)("is checked while the file arrives, packed with %s, and recorded with its owner", async (compression) => {
    const file = compression === "gz" ? gzipSync(disk) : disk;
    web.answers["/disk"] = serveFile(file);
    serveSignature(await publisher.sign(file));
    const { verified } = await obtainImage(signed({ compression, digest: digestOf(file) }), run);
    expect(verified).toEqual([{ what: "download", digest: digestOf(file) }, { what: "signature", by: `publisher <publisher@images.test> ${publisher.key.fingerprint}`, over: "file" }]);
  });

  test("is enough where no checksum is published", async () => {
    serveSignature(await publisher.sign(disk));
    expect((await obtainImage(signed({ digest: "waived" }), run)).verified).toEqual([{ what: "signature", by: `publisher <publisher@images.test> ${publisher.key.fingerprint}`, over: "file" }]);
  });

  test("is asked for anew where the stored image came without one", async () => {
    await obtainImage(image(), run);
    serveSignature(await publisher.sign(disk));
    expect((await obtainImage(signed(), run)).verified).toContainEqual(expect.objectContaining({ over: "file" }));
    web.asked.length = 0;
    await obtainImage(signed(), run);
    expect(web.asked).toEqual([]);
  });

  test("that its checksum file has is recorded", async () => {
    const signature = { url: `${web.address}/SHA256SUMS`, fingerprint: publisher.key.fingerprint, owner: publisher.key.owner, signed: "2026-01-01T00:00:00.000Z" };
    const { verified } = await obtainImage(image({ checksums: { url: signature.url, signature } }), run);
    expect(verified.at(-1)).toEqual({ what: "signature", by: `publisher <publisher@images.test> ${publisher.key.fingerprint}`, over: "checksums" });
  });

  test.each<[string, () => Promise<Buffer>, RegExp]>([
    ["by another key", () => stranger.sign(disk), /^.*\/disk is not signed by its publisher$/],
    ["by a key that had expired", async () => (publisher = await makeSigner("late", { expired: true })).sign(disk), /^.*\/disk is not signed by its publisher$/],
    ["of another file", () => publisher.sign(Buffer.from("another")), /^.*\/disk is not signed by its publisher$/],
    ["that is none", async () => Buffer.from("hello"), /^.*\/disk\.sig is no OpenPGP signature$/],
  ])("%s refuses the file, and a next try with a good one works", async (_, make, message) => {
    serveSignature(await make());
    await expect(obtainImage(signed(), run)).rejects.toMatchObject({ code: "signature", message: expect.stringMatching(message), hint: expect.stringContaining(`${web.address}/disk.sig`) });
    expect([halfMade(), listImages(run.paths.store)]).toEqual([[], []]);
    const good = await makeSigner("good");
    serveSignature(await good.sign(disk));
    await obtainImage(signed({ signature: { url: `${web.address}/disk.sig`, keys: [publisher.key, good.key] } }), run);
  });

  test("that was promised and is missing stops it before anything is fetched", async () => {
    await expect(obtainImage(signed(), run)).rejects.toMatchObject({ code: "signature", message: `a release is to be signed, and its signature is missing: ${web.address}/disk.sig could not be fetched: the server answered 404` });
    expect(web.asked).toEqual(["/disk.sig"]);
  });

  test("sends to the next mirror when it does not fit", async () => {
    serveSignature(await publisher.sign(disk));
    web.answers["/wrong"] = serveFile(Buffer.concat([disk, Buffer.from("x")]));
    const found = await obtainImage(signed({ digest: "waived", url: `${web.address}/wrong`, mirrors: [`${web.address}/disk`] }), run);
    expect(found.origin).toBe(`${web.address}/disk`);
  });
});
