import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { listImages } from "../../core/image-store.ts";
import type { FetchImage } from "../../core/located-image.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";

const size = 2 ** 20;
let folder: TestFolder;
let run: TestRun;
let server: Server;
let address: string;
let disk: Buffer;
let asked: string[];
/** What the server answers; by path. */
let answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

beforeEach(async () => {
  folder = makeTestFolder();
  run = makeTestRun(folder, { env: {} });
  writeRawDisk(join(folder.path, "disk"), { size, data: [{ at: 4096, bytes: randomBytes(100_000) }] });
  disk = readFileSync(join(folder.path, "disk"));
  asked = [];
  answers = { "/disk": (_, response) => response.end(disk) };
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const answer = answers[request.url ?? ""];
    if (answer) answer(request, response);
    else response.writeHead(404).end("no such file");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  folder.remove();
});

const digestOf = (bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256") => ({ algorithm, hex: createHash(algorithm).update(bytes).digest("hex") });
const image = (changes: Partial<FetchImage> = {}): FetchImage => ({
  kind: "fetch", title: "a release", release: "1.2", url: `${address}/disk`, digest: digestOf(disk), format: "raw", compression: "none", ...changes,
});
const leftIncoming = (): string[] => (existsSync(join(run.paths.store, "incoming")) ? readdirSync(join(run.paths.store, "incoming")) : []);

test("a disk is fetched, checked and stored, and the next time it is there", async () => {
  const { hex } = digestOf(disk);
  const expected = {
    source: "fcos", title: "a release", release: "1.2", origin: `${address}/disk`, id: hex, path: join(run.paths.store, hex, "disk.raw"), format: "raw", virtualSize: size,
    verified: [{ what: "download", digest: digestOf(disk) }],
  };
  expect(await obtainImage(image({ size }), run, "fcos")).toEqual(expected);
  expect(await obtainImage(image({ size, url: `${address}/elsewhere` }), run, "fcos")).toEqual(expected);
  expect([asked, leftIncoming(), readFileSync(expected.path).equals(disk)]).toEqual([["/disk"], [], true]);
});

const packers = {
  gz: (bytes: Buffer) => gzipSync(bytes),
  xz: (bytes: Buffer) => execFileSync("xz", ["-c", "-1"], { input: bytes }),
  zst: (bytes: Buffer) => execFileSync("zstd", ["-c", "-q"], { input: bytes }),
  bz2: (bytes: Buffer) => execFileSync("bzip2", ["-c"], { input: bytes }),
};
test.each(["gz", "xz", "zst", "bz2"] as const)("a disk packed with %s is checked before and after it is unpacked", async (compression) => {
  const packed = packers[compression](disk);
  answers["/disk"] = (_, response) => response.end(packed);
  const found = await obtainImage(image({ compression, digest: digestOf(packed, "sha512"), resultDigest: digestOf(disk) }), run);
  expect([found.id, found.verified]).toEqual([digestOf(disk).hex, [{ what: "download", digest: digestOf(packed, "sha512") }, { what: "result", digest: digestOf(disk) }]]);
  expect(leftIncoming()).toEqual([]);
});

test("a file that is not the published one is refused with both checksums, and nothing of it stays", async () => {
  const { hex } = digestOf(Buffer.from("other"));
  await expect(obtainImage(image({ digest: { algorithm: "sha256", hex } }), run)).rejects.toMatchObject({
    code: "digest", message: `${address}/disk is not what was published: expected sha256 ${hex}, found ${digestOf(disk).hex}`,
  });
  expect([leftIncoming(), listImages(run.paths.store), run.told.at(-1)]).toEqual([[], [], "Downloading a release: failed"]);
});

test("an unpacked disk that is not the published one is refused", async () => {
  const packed = gzipSync(disk);
  answers["/disk"] = (_, response) => response.end(packed);
  await expect(obtainImage(image({ compression: "gz", digest: digestOf(packed), resultDigest: digestOf(packed) }), run)).rejects.toMatchObject({
    code: "digest", message: expect.stringMatching(/^the unpacked disk of a release is not what was published: expected sha256/),
  });
});

test("with a waived checksum it is fetched each time, and nothing is called verified", async () => {
  for (let turn = 0; turn < 2; turn += 1) expect((await obtainImage(image({ digest: "waived" }), run)).verified).toEqual([]);
  expect(asked).toEqual(["/disk", "/disk"]);
});

test("a mirror is tried after an address that fails or serves something else", async () => {
  answers["/wrong"] = (_, response) => response.end("something else");
  const found = await obtainImage(image({ url: `${address}/gone`, mirrors: [`${address}/wrong`, `${address}/disk`] }), run);
  expect([asked, found.origin, leftIncoming()]).toEqual([["/gone", "/wrong", "/disk"], `${address}/disk`, []]);
  await expect(obtainImage(image({ url: `${address}/gone`, mirrors: [`${address}/wrong`], digest: digestOf(Buffer.from("x")) }), run)).rejects.toMatchObject({
    code: "download", message: "a release could not be fetched from any of 2 addresses",
    details: [`${address}/gone could not be fetched: the server answered 404`, expect.stringContaining(`${address}/wrong is not what was published`)],
  });
});

test("a redirect is followed", async () => {
  answers["/old"] = (_, response) => response.writeHead(302, { location: "/disk" }).end();
  expect((await obtainImage(image({ url: `${address}/old` }), run)).id).toBe(digestOf(disk).hex);
});

test.each<[string, () => Partial<FetchImage>, object]>([
  ["404", () => ({ url: `${address}/gone` }), { code: "download", message: expect.stringMatching(/\/gone could not be fetched: the server answered 404$/) }],
  ["a wrong scheme", () => ({ url: "ftp://127.0.0.1/disk" }), { code: "download", message: "ftp://127.0.0.1/disk is no address of a file" }],
  ["another format than said", () => ({ format: "qcow2" }), { code: "bad-image", message: expect.stringMatching(/\/disk is no qcow2 disk; it looks like a raw disk$/) }],
])("%s is an error that says so, and leaves nothing", async (_, changes, error) => {
  await expect(obtainImage(image(changes()), run)).rejects.toMatchObject(error);
  expect([leftIncoming(), listImages(run.paths.store)]).toEqual([[], []]);
});

test("a server that nobody runs is named with a hint", async () => {
  await expect(obtainImage(image({ url: "http://user:secret@127.0.0.1:1/disk" }), run)).rejects.toMatchObject({
    code: "download", message: "http://***@127.0.0.1:1/disk could not be fetched: the server refuses the connection", hint: "Check the network, and HTTPS_PROXY if you are behind a proxy.",
  });
});

test("Ctrl-C ends the download at once and leaves nothing", async () => {
  answers["/disk"] = (_, response) => {
    response.write(disk.subarray(0, 1000));
    setTimeout(() => run.abort.abort(new Error("Ctrl-C")), 0);
  };
  await expect(obtainImage(image(), run)).rejects.toThrow("Ctrl-C");
  expect(leftIncoming()).toEqual([]);
});

test("the proxy of the environment carries it, unless no_proxy names the host", async () => {
  const proxied: string[] = [];
  const proxy = createServer().on("connect", (request: IncomingMessage, socket: Duplex) => {
    proxied.push(request.url ?? "");
    const onward = connect((server.address() as AddressInfo).port, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on("error", () => [socket, onward].forEach((one) => one.destroy()));
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const http_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    await obtainImage(image({ digest: "waived" }), makeTestRun(folder, { env: { http_proxy, no_proxy: "127.0.0.1" } }));
    expect([asked, proxied]).toEqual([["/disk"], []]);
    await obtainImage(image({ url: "http://mirror.invalid/disk", digest: "waived" }), makeTestRun(folder, { env: { HTTP_PROXY: http_proxy } }));
    expect([asked, proxied]).toEqual([["/disk", "/disk"], ["mirror.invalid:80"]]);
  } finally {
    proxy.close();
  }
});

test.each(["xz", "zst"] as const)("without the program for %s a slower module of ours unpacks it", async (compression) => {
  const packed = packers[compression](disk);
  answers["/disk"] = (_, response) => response.end(packed);
  const bare = makeTestRun(folder, { env: {}, find: () => undefined });
  expect((await obtainImage(image({ compression, digest: digestOf(packed) }), bare)).id).toBe(digestOf(disk).hex);
});

test("without a program for bzip2 nothing is fetched", async () => {
  const bare = makeTestRun(folder, { env: {}, find: () => undefined });
  await expect(obtainImage(image({ compression: "bz2" }), bare)).rejects.toMatchObject({ code: "missing-program", message: "bzip2 is needed to unpack the image, and is not there" });
  expect(asked).toEqual([]);
});

test("a packed size that cannot fit is refused before anything is fetched", async () => {
  await expect(obtainImage(image({ size: 2 ** 60, compression: "gz" }), run)).rejects.toMatchObject({ code: "disk", message: expect.stringMatching(/^a release needs 2048PiB in .*, and .* are free$/) });
  expect(asked).toEqual([]);
});
