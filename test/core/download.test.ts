import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { obtainImage } from "../../core/cache.ts";
import { ask, fetchBytes, fetchText } from "../../core/download.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun, type TestRun } from "../support/run.ts";
import { digestOf, startWeb, type TestWeb } from "../support/web.ts";

let folder: TestFolder;
let web: TestWeb;
let run: TestRun;
beforeEach(async () => {
  folder = makeTestFolder();
  web = await startWeb();
  run = makeTestRun(folder, { env: {} }, { limits: { tries: 3 } });
  web.answers["/index"] = (_, response) => response.end("the index\n");
});
afterEach(async () => {
  await web.close();
  folder.remove();
});
const offline = (): TestRun => makeTestRun(folder, { env: {} }, { offline: true });

test("a text is fetched each time, and offline the last good copy is read", async () => {
  const url = `${web.address}/index`;
  await expect(fetchText(url, offline())).rejects.toMatchObject({ code: "offline", message: `${url} was not fetched before, and nothing may be fetched offline`, hint: "Do it once without --offline and GLOWPLUG_OFFLINE; then a copy is kept." });
  expect([await fetchText(url, run), await fetchText(url, run)]).toEqual(["the index\n", "the index\n"]);
  web.answers["/index"] = (_, response) => void response.writeHead(404).end("gone");
  await expect(fetchText(url, run)).rejects.toMatchObject({ code: "download", hint: "Has the release been withdrawn? Choose another." });
  web.asked.length = 0;
  expect(await fetchText(url, offline())).toBe("the index\n");
  expect(web.asked).toEqual([]);
});

test("bytes stay bytes in a copy", async () => {
  const bytes = Buffer.from([0, 255, 128, 10]);
  web.answers["/index"] = (_, response) => response.end(bytes);
  await fetchBytes(`${web.address}/index`, run);
  expect(await fetchBytes(`${web.address}/index`, offline())).toEqual(bytes);
});

test("whoever must not write keeps no copy", async () => {
  await fetchText(`${web.address}/index`, { ...run, keep: false });
  await expect(fetchText(`${web.address}/index`, offline())).rejects.toMatchObject({ code: "offline" });
});

test("a whole answer is kept, but not one that was for somebody with a token, nor one that is no good", async () => {
  web.answers["/token"] = (_, response) => void response.writeHead(401, { "www-authenticate": "Bearer" }).end("who?");
  expect(await ask(`${web.address}/token`, run)).toMatchObject({ status: 401, text: "who?", headers: { "www-authenticate": "Bearer" } });
  await ask(`${web.address}/index`, run, { headers: { authorization: "Bearer secret" } });
  for (const name of ["token", "index"]) await expect(ask(`${web.address}/${name}`, offline())).rejects.toMatchObject({ code: "offline" });
  await ask(`${web.address}/index`, run, { headers: { accept: "text/plain" } });
  expect(await ask(`${web.address}/index`, offline())).toMatchObject({ status: 200, text: "the index\n" });
  const kept = readdirSync(join(folder.paths.cache, "texts")).map((name) => readFileSync(join(folder.paths.cache, "texts", name), "utf8"));
  expect([kept.length, kept.join("").includes("secret")]).toEqual([1, false]);
});

test("whether an answer is kept can be said: one to somebody that holds no secret, or one to everybody that does", async () => {
  web.answers["/manifest"] = (_, response) => void response.writeHead(200, { "set-cookie": "session=secret", "www-authenticate": 'Bearer realm="secret"', "docker-content-digest": "sha256:abc" }).end("a manifest");
  web.answers["/anonymous"] = (_, response) => response.end('{"token":"secret"}');
  await ask(`${web.address}/manifest`, run, { headers: { authorization: "Bearer secret" }, keep: true });
  await ask(`${web.address}/anonymous`, run, { keep: false });
  expect(await ask(`${web.address}/manifest`, offline(), { headers: { authorization: "Bearer other" } })).toMatchObject({ status: 200, text: "a manifest", headers: { "docker-content-digest": "sha256:abc" } });
  await expect(ask(`${web.address}/anonymous`, offline())).rejects.toMatchObject({ code: "offline" });
  await ask(`${web.address}/index`, { ...run, keep: false }, { keep: true });
  const kept = readdirSync(join(folder.paths.cache, "texts")).map((name) => readFileSync(join(folder.paths.cache, "texts", name), "utf8"));
  expect([kept.length, kept.join("").includes("secret")]).toEqual([1, false]);
});

test("a server that fails for a moment is asked again, and given up after some tries", async () => {
  let left = 2;
  web.answers["/index"] = (_, response) => void (left-- > 0 ? response.writeHead(503).end() : response.end("at last"));
  expect(await fetchText(`${web.address}/index`, run)).toBe("at last");
  left = 5;
  await expect(fetchText(`${web.address}/index`, run)).rejects.toMatchObject({ code: "download", message: `${web.address}/index could not be fetched: the server answered 503` });
});

test("a text that is no text is given up", async () => {
  web.answers["/index"] = (_, response) => response.end(Buffer.alloc(17 * 2 ** 20));
  await expect(fetchText(`${web.address}/index`, run)).rejects.toMatchObject({ code: "download", message: `${web.address}/index could not be fetched: it is longer than 16777216 bytes` });
});

test("offline an image comes from the store, and one that is not there is named", async () => {
  const disk = Buffer.alloc(2 ** 20, "x");
  web.answers["/disk"] = (_, response) => response.end(disk);
  const image = { kind: "fetch", title: "a release", url: `${web.address}/disk`, digest: digestOf(disk), format: "raw", compression: "none" } as const;
  await expect(obtainImage(image, offline())).rejects.toMatchObject({ code: "offline", message: "a release is not in the store, and nothing may be fetched offline", hint: `Fetch it once without --offline and GLOWPLUG_OFFLINE: ${image.url}` });
  const { id } = await obtainImage(image, run);
  expect((await obtainImage(image, offline())).id).toBe(id);
});

/** A server with a certificate that nobody signed, whose file is returned. */
async function secureServer(answer: RequestListener): Promise<{ readonly url: string; readonly file: string }> {
  const [key, file] = ["key.pem", "authority.pem"].map((name) => join(folder.path, name)) as [string, string];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", file, "-days", "2", "-subj", "/CN=a company", "-addext", "subjectAltName=IP:127.0.0.1"], { stdio: "ignore" });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(file) }, answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, file };
}

test.each(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])("an authority that %s names is believed, no other", async (variable) => {
  const { url, file } = await secureServer((_, response) => response.end("secret"));
  await expect(fetchText(url, run)).rejects.toMatchObject({ code: "download", hint: "If a proxy of your company signs connections, name its certificates in SSL_CERT_FILE." });
  expect(await fetchText(url, makeTestRun(folder, { env: { [variable]: file } }))).toBe("secret");
  expect(await ask(url, run, { anyCertificate: true })).toMatchObject({ status: 200, text: "secret" });
  await expect(fetchText(url, makeTestRun(folder, { env: { [variable]: "/no/such" } }))).rejects.toMatchObject({ code: "download", message: expect.stringMatching(/^the certificates in \/no\/such cannot be read: ENOENT/) });
});

test("no redirect leads out of https, but to what is checked by itself", async () => {
  const disk = Buffer.alloc(4096, "d");
  web.answers["/disk"] = (_, response) => response.end(disk);
  const { url, file } = await secureServer((_, response) => response.writeHead(302, { location: `${web.address}/disk` }).end());
  const trusting = makeTestRun(folder, { env: { SSL_CERT_FILE: file } });
  const refused = { code: "download", message: `${url} could not be fetched: it is redirected from https to ${web.address}/disk, where anybody on the way could change it`, hint: "Name an address that stays with https, or another mirror." };
  await expect(fetchText(url, trusting)).rejects.toMatchObject(refused);
  await expect(ask(url, trusting)).rejects.toMatchObject(refused);
  const image = { kind: "fetch", title: "a release", url, format: "raw", compression: "none" } as const;
  await expect(obtainImage({ ...image, digest: "waived" as const }, trusting)).rejects.toMatchObject(refused);
  expect(web.asked).toEqual([]);
  expect((await obtainImage({ ...image, digest: digestOf(disk) }, trusting)).id).toBe(digestOf(disk).hex);
  expect((await fetchBytes(url, trusting, { isChecked: true })).equals(disk)).toBe(true);
});
