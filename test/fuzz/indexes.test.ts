import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { ImageQuery, ImageSource } from "glowplug";
import { readChecksums } from "../../core/checksums.ts";
import { foreignHost } from "../../core/host.ts";
import { listBuiltIns } from "../../core/resolve.ts";
import fcos from "../../plugins/images/fcos.ts";
import oci from "../../plugins/images/oci.ts";
import { readChallenges } from "../../plugins/images/oci/challenge.ts";
import { findLogin } from "../../plugins/images/oci/credentials.ts";
import { parseDocument } from "../../plugins/images/oci/document.ts";
import { parseReference } from "../../plugins/images/oci/reference.ts";
import { hostOf } from "../fixtures/hosts.ts";
import { makeTestFolder } from "../support/folders.ts";
import { fuzz, mutatedJson, mutatedText, patienceMs } from "../support/fuzz.ts";
import { networkOf, type TestServer } from "../support/network.ts";
import { machineOs, ociBlob, writeLayout } from "../support/oci-image.ts";
import { publishers } from "../support/publishers.ts";

const queryOf = (texts: Readonly<Record<string, string>>, server?: TestServer): ImageQuery & { readonly asked: readonly string[] } =>
  ({ host: foreignHost("linux/amd64"), arch: "x86_64", platforms: ["qemu"], formats: ["qcow2", "raw"], folder: "/project", ...networkOf(texts, server) });
const soundUrl = (url: unknown): void => expect(URL.canParse(String(url))).toBe(true);

test("a stream of Fedora CoreOS", async () => {
  const address = "https://builds.coreos.fedoraproject.org/streams/stable.json";
  const stream = JSON.parse(readFileSync(new URL("../fixtures/streams/stable.json", import.meta.url), "utf8")) as { architectures: Record<string, { artifacts: Record<string, unknown> }> };
  const { qemu, metal } = stream.architectures["x86_64"]?.artifacts ?? {};
  const sample = { ...stream, architectures: { x86_64: { artifacts: { qemu, metal } } } };
  await fuzz(mutatedJson([sample]), async (text) => {
    const located = await fcos({ stream: "stable" }).locate(queryOf({ [address]: text }));
    soundUrl(located.kind === "fetch" && located.url);
  });
}, patienceMs);

test("what distributions list of their cloud images: pages, indexes, checksums", async () => {
  const plugins = fileURLToPath(new URL("../../plugins", import.meta.url));
  const names = [...listBuiltIns({ plugins, ending: ".ts" }, "image")].filter(([name]) => name in publishers);
  expect(names.length).toBeGreaterThan(6);
  const pages: { readonly image: ImageSource; readonly texts: Readonly<Record<string, string>>; readonly address: string }[] = [];
  for (const [name, path] of names) {
    const { default: make } = (await import(pathToFileURL(path).href)) as { readonly default: () => ImageSource };
    const texts = publishers[name] ?? {};
    const query = queryOf(texts);
    await make().locate(query);
    for (const address of new Set(query.asked)) pages.push({ image: make(), texts, address });
  }
  const inputs = fc.oneof(...pages.map(({ image, texts, address }) => {
    const text = texts[address] ?? "";
    const mutated = text.startsWith("{") ? mutatedJson([JSON.parse(text)]) : mutatedText([text], ['<a href="', '">', "../", "13/", "%2e%2e/", "SHA256 (", ") = "]);
    return mutated.map((changed) => ({ image, address, texts: { ...texts, [address]: changed } }));
  }));
  await fuzz(inputs, async ({ image, texts }) => {
    const located = await image.locate(queryOf(texts));
    if (located.kind !== "fetch") return;
    soundUrl(located.url);
    expect(located.title).toMatch(/^[\w .,+()-]+$/);
  });
}, patienceMs);

test("lists of checksums", async () => {
  const hex = "0123456789abcdef".repeat(4);
  const samples = [`${hex}  debian.qcow2\n${hex} *other.raw\n`, `# a comment\nSHA256 (disk.qcow2) = ${hex}\nSHA512 (disk.qcow2) = ${hex}${hex}\n`, `${hex}\n`];
  await fuzz(mutatedText(samples, ["SHA256 (", "__proto__", hex, "  ", " *", "./"]), (text) => {
    for (const digest of readChecksums(text).values()) expect(digest.hex).toMatch(/^[0-9a-f]{64}([0-9a-f]{64})?$/);
  }, { always: "taken" });
}, patienceMs);

test("names of images in registries", async () => {
  await fuzz(mutatedText(["docker://quay.io/podman/machine-os:5.6", "docker://127.0.0.1:5000/a/b-c_d@sha256:" + "0".repeat(64), "docker://[::1]:5000/x", "docker://alpine"], ["@sha256:", "..", ":", "/"]), (text) => {
    const { host, name, tag } = parseReference(text);
    expect(`${host}/${name}:${tag}`).toMatch(/^[\w.:[\]/-]+$/);
  });
}, patienceMs);

test("how a registry asks who one is", async () => {
  await fuzz(mutatedText(['Bearer realm="https://auth.test/token",service="registry",scope="repository:a:pull"', 'Basic realm="x"', 'Negotiate, Basic realm="a\\"b", Bearer realm=x'], ["Bearer ", "realm=", '"', "\\", ", ", "a".repeat(2000)]), (header) => {
    for (const { scheme } of readChallenges(header)) expect(scheme).toMatch(/^[a-z][\w.-]*$/);
  }, { always: "taken" });
}, patienceMs);

test("indexes and manifests of registries", async () => {
  const { root, documents } = machineOs();
  const samples = [root, ...documents.slice(0, 2)].map(({ bytes }) => JSON.parse(bytes.toString()) as unknown);
  await fuzz(fc.tuple(mutatedJson(samples), fc.constantFrom("", root.mediaType, documents[0]?.mediaType ?? "", "text/html", "__proto__")), ([text, served]) => {
    const document = parseDocument(text, "registry.test/a:b", served);
    for (const { annotations } of document.kind === "index" ? document.entries : document.layers) for (const value of Object.values(annotations)) expect(typeof value).toBe("string");
  });
}, patienceMs);

test("a registry from its first answer to the disk", async () => {
  const { root, documents } = machineOs();
  const manifest = documents[0];
  const texts = (served: string): Readonly<Record<string, string>> => ({
    "https://registry.test/v2/machine-os/manifests/5.6": served, ...Object.fromEntries(documents.map(({ digest, bytes }) => [`https://registry.test/v2/machine-os/manifests/${digest}`, bytes.toString()])),
  });
  expect(manifest).toBeDefined();
  const answer = fc.tuple(fc.constantFrom(200, 200, 200, 401, 404, 500), mutatedText(['Bearer realm="https://auth.test/token"', ""]), mutatedJson([{ token: "abc" }, { access_token: "x.y-z" }]));
  await fuzz(fc.tuple(mutatedJson([JSON.parse(root.bytes.toString())]), answer), async ([text, [status, header, token]]) => {
    const server: TestServer = (url, headers) => {
      if (url.startsWith("https://auth.test/")) return { status: 200, headers: {}, text: token };
      if (status === 200 || headers["authorization"] !== undefined) return undefined;
      const named: Record<string, string> = header === "" ? {} : { "www-authenticate": header };
      return { status, headers: named, text: '{"errors":[{"code":"DENIED"}]}' };
    };
    const located = await oci({ url: "docker://registry.test/machine-os:5.6" }).locate(queryOf(texts(text), server));
    soundUrl(located.kind === "fetch" && located.url);
  });
}, patienceMs);

test("a layout on the disk", async () => {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  const folder = join(path, "layout");
  mkdirSync(folder);
  const { root, documents, blobs } = machineOs();
  writeLayout(folder, [{ mediaType: root.mediaType, digest: root.digest, size: root.bytes.length, annotations: { "org.opencontainers.image.ref.name": "5.6" } }], [root, ...documents, ...blobs]);
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as unknown;
  const own = ociBlob({}, "x");
  expect(own.digest).toMatch(/^sha256:/);
  await fuzz(fc.tuple(mutatedJson([index]), fc.constantFrom(":5.6", "", ":5.7")), async ([text, tag]) => {
    writeFileSync(join(folder, "index.json"), text);
    const located = await oci(`oci:${folder}${tag}`).locate(queryOf({}));
    expect(located.kind).toBe("local");
  });
}, patienceMs);

let home = "";
beforeAll(() => {
  const made = makeTestFolder();
  home = made.path;
  return made.remove;
});

test("files with logins for registries", async () => {
  const auths = { "quay.io": { auth: Buffer.from("me:pw").toString("base64") }, "https://index.docker.io/v1/": { auth: "x" }, "quay.io/podman": { identitytoken: "t" } };
  const file = join(home, "auth.json");
  await fuzz(mutatedJson([{ auths }, { auths, credHelpers: { "quay.io": "osxkeychain" }, credsStore: "desktop" }]), async (text) => {
    writeFileSync(file, text);
    const login = await findLogin({ host: hostOf("linux/amd64", { home }), registry: "quay.io", repository: "podman/machine-os", authFile: file });
    if (login) expect([typeof login.user, typeof login.password]).toEqual(["string", "string"]);
  });
}, patienceMs);
