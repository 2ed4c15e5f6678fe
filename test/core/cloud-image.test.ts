import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cloudImage, type CloudImage, type CloudImageOptions, type ImageQuery } from "glowplug";
import { foreignHost } from "../../core/host.ts";
import { ask, fetchText } from "../../core/download.ts";
import { fetchSigned } from "../../core/signed-text.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun } from "../support/run.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";
import { startWeb, type TestWeb } from "../support/web.ts";

let folder: TestFolder;
let web: TestWeb;
let publisher: TestSigner;
beforeAll(async () => {
  publisher = await makeSigner("publisher");
});
beforeEach(async () => {
  folder = makeTestFolder();
  web = await startWeb();
});
afterEach(async () => {
  await web.close();
  folder.remove();
});

const hex = { old: "1".repeat(64), new: "2".repeat(64) };
const sums = `${hex.old}  our-1.1-20260101.amd64.qcow2.xz\n${hex.new}  our-1.1-20260201.amd64.qcow2.xz\n${hex.new}  our-1.1-20260201.arm64.qcow2.xz\n`;
const page = (...names: string[]): string => `<html><h1>Index of /</h1><pre><a href="../">../</a>\n${names.map((name) => `<a href="${name}">${name}</a>  01-Jul-2026 10:00  -\n`).join("")}</pre></html>`;

function recipe(changes: Partial<CloudImage> = {}): CloudImage {
  return {
    name: "ours", title: "Our Linux", user: "me", url: web.address, architectures: { x86_64: "amd64", aarch64: "arm64" },
    looks: [{ at: "", names: ["{release}/"] }],
    file: "{release}/our-{release}-{build}.{arch}.qcow2.xz", checksums: "{release}/SHA256SUMS", ...changes,
  };
}

/** Asks a real web server, by the core's own means. */
function locate(image: CloudImage, options: CloudImageOptions = {}, host = "linux/amd64") {
  const run = makeTestRun(folder, { env: {} });
  const facts = foreignHost(host);
  const query: ImageQuery = {
    host: facts, arch: facts.arch, platforms: ["qemu"], formats: ["qcow2"], folder: folder.path,
    fetchText: (url) => fetchText(url, run), fetchSigned: (url, which) => fetchSigned(url, which, run), ask: (url, which) => ask(url, run, which),
  };
  return Promise.resolve(cloudImage(image, options).locate(query));
}

function serve(texts: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, text] of Object.entries(texts)) web.answers[path] = (_, response) => response.end(text);
}
const published = (): Readonly<Record<string, string>> => ({ "/": page("1.0/", "1.1/", "latest/", "README"), "/1.1/SHA256SUMS": sums });

describe("a distribution's image", () => {
  it("is the newest build of the newest release that its publisher lists, with what was published of it", async () => {
    serve(published());
    expect(await locate(recipe())).toEqual({
      kind: "fetch", title: "Our Linux 1.1 (20260201)", release: "1.1:20260201", url: `${web.address}/1.1/our-1.1-20260201.amd64.qcow2.xz`,
      digest: { algorithm: "sha256", hex: hex.new }, checksums: { url: `${web.address}/1.1/SHA256SUMS` }, format: "qcow2", compression: "xz",
    });
    expect(web.asked).toEqual(["/", "/1.1/SHA256SUMS"]);
  });

  it("can be stayed with, by what plan and inspect call its release", async () => {
    serve(published());
    expect(await locate(recipe(), { release: "1.1", build: "20260101" })).toMatchObject({ release: "1.1:20260101", digest: { hex: hex.old } });
  });

  it("is for the machine's architecture, or it is told for which there are some", async () => {
    serve(published());
    expect(await locate(recipe(), {}, "darwin/arm64")).toMatchObject({ url: `${web.address}/1.1/our-1.1-20260201.arm64.qcow2.xz` });
    await expect(locate(recipe(), {}, "linux/s390x")).rejects.toMatchObject({ code: "unsupported-host", plugin: "ours", message: "Our Linux has no cloud image for s390x; it has some for x86_64, aarch64", hint: expect.stringMatching(/./) });
  });

  it("may come from a mirror that is laid out the same, and mirrors that the publisher names are tried after it", async () => {
    serve(published());
    const image = recipe({ url: "http://nowhere.test/", mirrors: ["http://mirror.test/our"] });
    expect(await locate({ ...image, url: web.address })).toMatchObject({ mirrors: ["http://mirror.test/our/1.1/our-1.1-20260201.amd64.qcow2.xz"] });
    const own = await locate(image, { url: web.address });
    expect(own).toMatchObject({ url: `${web.address}/1.1/our-1.1-20260201.amd64.qcow2.xz` });
    expect(own).not.toHaveProperty("mirrors");
  });

  it("may lie in one of several lines, and be named by more words", async () => {
    serve({ "/big/": page("1.1/"), "/small/": page("1.1/"), "/small/1.1/SHA256SUMS": `${hex.new} *our-small-1.1.amd64-bios.img\n` });
    const image = recipe({ streams: ["big", "small"], url: `${web.address}/{stream}`, file: "{release}/our-{stream}-{release}.{arch}-{firmware}.img", words: () => ({ firmware: "bios" }) });
    expect(await locate(image, { stream: "small" })).toMatchObject({ release: "1.1", title: "Our Linux 1.1", url: `${web.address}/small/1.1/our-small-1.1.amd64-bios.img`, format: "qcow2", compression: "none" });
    await expect(locate(image)).rejects.toMatchObject({ code: "download", message: `${web.address}/big/1.1/SHA256SUMS could not be fetched: the server answered 404` });
  });

  it("has its checksum in a file of its own, with the name or without", async () => {
    const image = recipe({ looks: [{ at: "", names: ["our-{release}.{arch}.raw"] }], file: "{name}", checksums: "{file}.sha256" });
    for (const text of [`${hex.new}\n`, `${hex.new}  our-1.10.amd64.raw\n`]) {
      serve({ "/": page("our-1.9.amd64.raw", "our-1.10.amd64.raw", "our-1.11.arm64.raw"), "/our-1.10.amd64.raw.sha256": text });
      expect(await locate(image)).toMatchObject({ url: `${web.address}/our-1.10.amd64.raw`, digest: { hex: hex.new }, format: "raw" });
    }
  });

  it("is of an older release where the newest is listed before it has images, and only where that may be", async () => {
    serve({ "/": page("1.1/", "1.2/"), "/1.1/": page("20260101/"), "/1.2/": page("daily/"), "/1.1/20260101/SUMS": `${hex.old}  our.qcow2\n` });
    const looks = [{ at: "", names: ["{release}/"], mayBeEarly: true }, { at: "{release}/", names: ["{build}/"] }];
    const image = recipe({ looks, file: "{release}/{build}/our.qcow2", checksums: "{release}/{build}/SUMS" });
    expect(await locate(image)).toMatchObject({ release: "1.1:20260101" });
    const message = `${web.address}/1.2/ is not what it was: expected a folder with BUILD/, found daily/`;
    await expect(locate(image, { release: "1.2" })).rejects.toMatchObject({ code: "bad-image", message });
    await expect(locate({ ...image, looks: looks.map(({ mayBeEarly: _, ...look }) => look) })).rejects.toMatchObject({ message });
  });
});

describe("what a publisher signs", () => {
  const beside = (): Partial<CloudImage> => ({ signature: "{release}/SHA256SUMS.gpg", keys: () => [publisher.key] });
  const signed = (url: string) => ({ url, fingerprint: publisher.key.fingerprint, owner: publisher.key.owner, signed: expect.stringMatching(/^\d{4}-/) as unknown });

  it("is a list with its signature beside it", async () => {
    serve({ ...published(), "/1.1/SHA256SUMS.gpg": await publisher.sign(Buffer.from(sums)) });
    const at = `${web.address}/1.1/SHA256SUMS`;
    expect(await locate(recipe(beside()))).toMatchObject({ digest: { hex: hex.new }, checksums: { url: at, signature: signed(`${at}.gpg`) } });
  });

  it("is a list inside its signature", async () => {
    serve({ ...published(), "/1.1/SHA256SUMS": await publisher.clearSign(sums) });
    const at = `${web.address}/1.1/SHA256SUMS`;
    expect(await locate(recipe({ ...beside(), signature: "inside" }))).toMatchObject({ digest: { hex: hex.new }, checksums: { url: at, signature: signed(at) } });
    expect(await locate(recipe({ ...beside(), signature: "inside" }), { keys: [] })).toMatchObject({ digest: { hex: hex.new }, checksums: { url: at } });
  });

  it("is the disk", async () => {
    serve(published());
    const image = recipe({ fileSignature: "{release}/{file}.sig" });
    expect(await locate(image)).not.toHaveProperty("signature");
    expect(await locate(image, { keys: [publisher.key] })).toMatchObject({ signature: { url: `${web.address}/1.1/our-1.1-20260201.amd64.qcow2.xz.sig`, keys: [publisher.key] } });
  });

  it("is believed of no other, nor without its signature, nor by a key that is not known", async () => {
    const at = `${web.address}/1.1/SHA256SUMS`;
    serve({ ...published(), "/1.1/SHA256SUMS.gpg": await (await makeSigner("stranger")).sign(Buffer.from(sums)) });
    await expect(locate(recipe(beside()))).rejects.toMatchObject({ code: "signature", message: `${at} is not signed by its publisher`, hint: expect.stringContaining(`${at}.gpg`) });
    const late = await makeSigner("late", { expired: true });
    serve({ "/1.1/SHA256SUMS.gpg": await late.sign(Buffer.from(sums)) });
    await expect(locate(recipe(beside()), { keys: [late.key] })).rejects.toMatchObject({ code: "signature", details: [expect.stringContaining("its key expired on")] });
    delete web.answers["/1.1/SHA256SUMS.gpg"];
    await expect(locate(recipe(beside()))).rejects.toMatchObject({ code: "signature", message: `${at} is to be signed, and its signature is missing: ${at}.gpg could not be fetched: the server answered 404`, hint: expect.stringMatching(/./) });
    await expect(locate(recipe({ ...beside(), keys: () => [] }))).rejects.toMatchObject({ code: "signature", plugin: "ours", message: "Our Linux 1.1 is signed by a key that is not known here", hint: expect.stringContaining('the option "keys"') });
  });
});

describe("a publisher's page", () => {
  it.each<[string, Record<string, string>, string]>([
    ["of a login in the place of the folder", { "/": "<!DOCTYPE html>\n<form>Log in</form>" }, '/ is not what it was: expected a folder with RELEASE/, found text that begins with "<!DOCTYPE html>"'],
    ["that is empty", { "/": "" }, "/ is not what it was: expected a folder with RELEASE/, found nothing"],
    ["that lists other things", { "/": page("a", "b", "c", "d", "e", "f") }, "/ is not what it was: expected a folder with RELEASE/, found a, b, c, d, e and others"],
    ["of a login in the place of the checksums", { ...{ "/": page("1.1/") }, "/1.1/SHA256SUMS": "<html>" }, '/1.1/SHA256SUMS is not what it was: expected a list of checksums, found text that begins with "<html>"'],
    ["with checksums of other files", { "/": page("1.1/"), "/1.1/SHA256SUMS": `${hex.new}  other.img\n` }, "/1.1/SHA256SUMS has no checksum of our-1.1-BUILD.amd64.qcow2.xz; it has those of other.img"],
    ["with a checksum and no name", { "/": page("1.1/"), "/1.1/SHA256SUMS": `${hex.new}\n` }, "/1.1/SHA256SUMS has no checksum of our-1.1-BUILD.amd64.qcow2.xz; it has those of nothing that has a name"],
  ])("%s is an error that names it", async (_, texts, message) => {
    serve(texts);
    await expect(locate(recipe())).rejects.toMatchObject({ code: "bad-image", plugin: "ours", message: `${web.address}${message}`, hint: expect.stringContaining("Open the address in a browser") });
  });

  it("names nothing that could lead elsewhere", async () => {
    serve({ "/index.json": "x" });
    for (const release of ["../1.1", "1.1/..", "a b", ""]) {
      await expect(locate(recipe({ looks: [{ at: "index.json", what: "an index", offers: () => [{ release }] }] }))).rejects.toMatchObject({
        code: "bad-image", message: `${web.address}/index.json names ${JSON.stringify(release)}, which is no part of a file's name`,
      });
    }
  });

  it("that is missing is the server's own error", async () => {
    await expect(locate(recipe())).rejects.toMatchObject({ code: "download", message: `${web.address}/ could not be fetched: the server answered 404` });
  });

  it("has what was wished, or says what it has instead", async () => {
    serve(published());
    await expect(locate(recipe(), { release: "2" })).rejects.toMatchObject({ code: "not-found", plugin: "ours", message: `Our Linux has no release 2: ${web.address}/ has 1.1, 1.0` });
    await expect(locate(recipe(), { release: "1.1", build: "5" })).rejects.toMatchObject({ code: "not-found", message: `Our Linux has no build 5 of release 1.1: ${web.address}/1.1/SHA256SUMS has 20260201, 20260101` });
    serve({ "/1.1/SUM": `${hex.new}  our-1.1.qcow2\n` });
    await expect(locate(recipe({ file: "{release}/our-{release}.qcow2", checksums: "{release}/SUM" }), { release: "1.1", build: "5" })).rejects.toMatchObject({ code: "not-found", message: "Our Linux has no builds of a release, so there is no 1.1:5" });
  });
});

it.each<[object, string, RegExp]>([
  [{ relaese: "1" }, 'ours has no option "relaese"; did you mean "release"?', /release, build, url, keys/],
  [{ stream: "x" }, 'ours has no option "stream"', /release, build, url, keys/],
  [{ release: 24.1 }, "ours has the release 24.1, which is none", /as text.*release: "24\.1"/],
  [{ release: "../x" }, 'ours has the release "../x", which is none', /./],
  [{ build: "" }, 'ours has the build "", which is none', /./],
  [{ url: "images" }, 'ours has the url "images", which is no http or https address', /./],
  [{ url: "file:///images" }, 'ours has the url "file:///images", which is no http or https address', /./],
  [{ keys: "key" }, "ours has keys that are none", /armored, fingerprint, owner/],
  [{ keys: [{ armored: "a", owner: "b", fingerprint: "12" }] }, "ours has keys that are none", /armored, fingerprint, owner/],
])("options %j are refused before anything is asked", (options, message, hint) => {
  expect(() => cloudImage(recipe(), options as CloudImageOptions)).toThrowError(expect.objectContaining({ code: "bad-spec", plugin: "ours", message: expect.stringContaining(message), hint: expect.stringMatching(hint) }));
  expect(web.asked).toEqual([]);
});

it("a stream is one that there is", () => {
  expect(() => cloudImage(recipe({ streams: ["stable", "beta"] }), { stream: "bata" })).toThrowError(expect.objectContaining({ code: "bad-spec", message: 'ours has no stream "bata"; did you mean "beta"?', hint: "Streams are stable, beta." }));
});
