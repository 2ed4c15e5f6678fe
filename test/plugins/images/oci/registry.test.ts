import { isMachineError, MachineError, type Answer, type AskOptions, type FetchImage, type ImageQuery } from "glowplug";
import { describe, expect, it } from "vitest";
import { foreignHost } from "../../../../core/host.ts";
import oci, { type OciOptions } from "../../../../plugins/images/oci.ts";
import { networkOf, type TestServer } from "../../../support/network.ts";
import { descriptorOf, indexType, machineOs, ociBlob, ociManifest, type OciBlob } from "../../../support/oci-image.ts";

const image = machineOs();
const hexOf = ({ digest }: OciBlob) => digest.slice("sha256:".length);
const blobOf = (content: string) => image.blobs.find(({ bytes }) => bytes.toString() === content) ?? image.root;
const qemuDisk = blobOf("x86_64 qemu");
const refuse = (status: number, headers: Record<string, string> = {}, text = ""): Answer => ({ status, headers, text });

/** A registry with these documents at "HOST/v2/podman/machine-os", and one tag. */
function registry(base: string, { root = image.root, documents = image.documents }: { readonly root?: OciBlob; readonly documents?: readonly OciBlob[] } = {}): TestServer {
  return (url) => {
    const what = url.startsWith(`${base}/v2/podman/machine-os/manifests/`) ? url.slice(url.lastIndexOf("/") + 1) : undefined;
    const found = what === "5.6" ? root : documents.find(({ digest }) => digest === what);
    if (!found) return what === undefined ? undefined : refuse(404, { "content-type": "application/json" }, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return { status: 200, headers: { "content-type": found.mediaType, "docker-content-digest": found.digest }, text: found.bytes.toString() };
  };
}
/** The same behind a token service, which gives "t0k" to whom it likes. */
function guarded(base: string, inner: TestServer, { realm = "https://auth.test/token?x=1", token = '{"token":"t0k"}', login }: { readonly realm?: string; readonly token?: string; readonly login?: string } = {}): TestServer {
  return (url, headers) => {
    if (url.startsWith(realm.replace(/\?.*/, ""))) return login === undefined || headers["authorization"] === `Basic ${Buffer.from(login).toString("base64")}` ? refuse(200, {}, token) : refuse(401);
    if (!url.startsWith(base) || headers["authorization"] === "Bearer t0k") return inner(url, headers);
    return refuse(401, { "www-authenticate": `Bearer realm="${realm}",service="registry.test",scope="repository:podman/machine-os:pull"` });
  };
}

type Asked = ImageQuery & { readonly asked: readonly string[] };
const queryOf = (server: TestServer, { host = foreignHost("linux/amd64"), platforms = ["qemu"] }: Partial<Pick<ImageQuery, "host" | "platforms">> = {}): Asked => ({
  host, arch: host.arch, platforms, formats: ["qcow2", "raw"], folder: "/project", ...networkOf({}, server),
});
const url = "docker://registry.test/podman/machine-os:5.6";
const base = "https://registry.test";
const locate = async (query: ImageQuery, options: OciOptions = { url }) => (await oci(options).locate(query)) as FetchImage;

describe("podman's machine-os", () => {
  it.each([
    ["linux/amd64", ["qemu"], "x86_64 qemu", "qcow2"],
    ["linux/arm64", ["qemu"], "aarch64 qemu", "qcow2"],
    ["darwin/arm64", ["applehv"], "aarch64 applehv", "raw"],
    ["darwin/amd64", ["applehv", "qemu"], "x86_64 applehv", "raw"],
  ])("for %s on %j is found through its index", async (name, platforms, content, format) => {
    const query = queryOf(registry(base), { host: foreignHost(name), platforms });
    const blob = blobOf(content);
    const manifest = image.documents.find(({ bytes }) => bytes.includes(blob.digest));
    expect(await locate(query)).toEqual({
      kind: "fetch", title: "registry.test/podman/machine-os:5.6", url: `${base}/v2/podman/machine-os/blobs/${blob.digest}`, digest: { algorithm: "sha256", hex: hexOf(blob) },
      checksums: { url: `docker://registry.test/podman/machine-os@${manifest?.digest}` }, format, compression: "zst", size: blob.bytes.length,
    });
    expect(query.asked).toEqual([`${base}/v2/podman/machine-os/manifests/5.6`, `${base}/v2/podman/machine-os/manifests/${manifest?.digest}`]);
  });

  it("is asked for in words that registries know", async () => {
    const accepts: (string | undefined)[] = [];
    await locate(queryOf((address, headers) => (accepts.push(headers["accept"]), registry(base)(address, headers))));
    const all = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    expect(accepts).toEqual([all, all]);
  });

  it("may be pinned by the digest of its index, whatever the tag has become", async () => {
    const query = queryOf(registry(base));
    expect(await locate(query, { url: `docker://registry.test/podman/machine-os:gone@${image.root.digest}` })).toMatchObject({ digest: { hex: hexOf(qemuDisk) } });
    expect(query.asked[0]).toBe(`${base}/v2/podman/machine-os/manifests/${image.root.digest}`);
  });

  it.each<[string, OciOptions, string]>([
    ["another host", { url }, "https://registry.test"],
    ["another host, where told so", { url, insecure: true }, "http://registry.test"],
    ["this host", { url: "docker://127.0.0.1:5000/podman/machine-os:5.6" }, "http://127.0.0.1:5000"],
    ["this host, where told so", { url: "docker://localhost:5000/podman/machine-os:5.6", insecure: false }, "https://localhost:5000"],
    ["Docker Hub", { url: "docker://podman/machine-os:5.6" }, "https://registry-1.docker.io"],
  ])("is asked of %s at its address", async (_, options, at) => {
    expect(await locate(queryOf(registry(at)), options)).toMatchObject({ url: `${at}/v2/podman/machine-os/blobs/${qemuDisk.digest}` });
  });
});

it.each(["Client sent an HTTP request to an HTTPS server.\n", "<html><center>The plain HTTP request was sent to HTTPS port</center></html>"])("a registry of this host that wants https is asked by it: %s", async (page) => {
  const query = queryOf((at, headers) => (at.startsWith("http:") ? refuse(400, {}, page) : registry("https://127.0.0.1:5000")(at, headers)));
  expect(await locate(query, { url: "docker://127.0.0.1:5000/podman/machine-os:5.6" })).toMatchObject({ url: `https://127.0.0.1:5000/v2/podman/machine-os/blobs/${qemuDisk.digest}` });
  expect(query.asked.filter((at) => at.startsWith("http:"))).toHaveLength(1);
  await expect(locate(query, { url: "docker://127.0.0.1:5000/podman/machine-os:5.6", insecure: true })).rejects.toThrow("answered 400");
});

it("a registry of this host that was asked by https is known to those that fetch nothing", async () => {
  const query = queryOf((at, headers) => {
    if (at.startsWith("http:")) throw new MachineError("offline", `${at} is needed, and nothing may be fetched offline`);
    return registry("https://127.0.0.1:5000")(at, headers);
  });
  expect(await locate(query, { url: "docker://127.0.0.1:5000/podman/machine-os:5.6" })).toMatchObject({ url: `https://127.0.0.1:5000/v2/podman/machine-os/blobs/${qemuDisk.digest}` });
  await expect(locate(query, { url: "docker://127.0.0.1:5000/podman/machine-os:5.6", insecure: true })).rejects.toMatchObject({ code: "offline" });
});

describe("a registry that need not prove who it is", () => {
  it("is asked by https under any certificate, and so is the disk", async () => {
    const certificates: unknown[] = [];
    const query = queryOf(registry(base));
    const watched = { ...query, ask: (at: string, options?: AskOptions) => (certificates.push(options?.anyCertificate), query.ask(at, options)) };
    expect(await locate(watched, { url, tlsVerify: false })).toMatchObject({ url: `${base}/v2/podman/machine-os/blobs/${qemuDisk.digest}`, anyCertificate: true });
    expect(new Set(certificates)).toEqual(new Set([true]));
    expect(await locate(query)).not.toHaveProperty("anyCertificate");
  });

  it("is asked by plain http where nobody speaks https", async () => {
    const plain = base.replace("https:", "http:");
    const query = queryOf((at, headers) => {
      if (at.startsWith("https:")) throw new MachineError("download", `${at} could not be fetched: no TLS`);
      return registry(plain)(at, headers);
    });
    expect(await locate(query, { url, tlsVerify: false })).toMatchObject({ url: `${plain}/v2/podman/machine-os/blobs/${qemuDisk.digest}` });
    expect(query.asked.filter((at) => at.startsWith("https:"))).toHaveLength(1);
    await expect(locate(query)).rejects.toMatchObject({ code: "download" });
  });

  it("is not asked by plain http because it says so by https", async () => {
    const query = queryOf((at) => refuse(400, {}, `Client sent an HTTP request to an HTTPS server. ${at}`));
    await expect(locate(query, { url, tlsVerify: false })).rejects.toThrow("answered 400");
    expect(query.asked.filter((at) => at.startsWith("http:"))).toEqual([]);
  });
});

describe("a single manifest", () => {
  const layer = ociBlob(Buffer.from("disk"), "application/x-qemu-disk");
  const only = (manifest: OciBlob) => queryOf(registry(base, { root: manifest, documents: [manifest] }));

  it("is taken as it is, with the release that it names", async () => {
    const manifest = ociManifest([descriptorOf(layer)], { annotations: { "org.opencontainers.image.version": "44.1" } });
    expect(await locate(only(manifest))).toMatchObject({ release: "44.1", format: "qcow2", compression: "none" });
  });

  it("whose format nobody tells wants an option", async () => {
    const manifest = ociManifest([descriptorOf(ociBlob(Buffer.from("disk"), "application/zstd"))]);
    await expect(locate(only(manifest))).rejects.toMatchObject({ code: "bad-image", message: `${url} does not say in what format its disk is`, hint: 'Say it as format: "qcow2", or "raw".' });
    expect(await locate(only(manifest), { url, format: "raw" })).toMatchObject({ format: "raw", compression: "zst" });
  });
});

describe("a registry that asks who wants it", () => {
  const token = "https://auth.test/token?x=1&service=registry.test&scope=repository%3Apodman%2Fmachine-os%3Apull";

  it("gets an anonymous token, once, and the download carries it", async () => {
    const query = queryOf(guarded(base, registry(base)));
    const found = await locate(query);
    expect(found.headers).toEqual({ authorization: "Bearer t0k" });
    expect(query.asked.slice(0, 3)).toEqual([`${base}/v2/podman/machine-os/manifests/5.6`, token, `${base}/v2/podman/machine-os/manifests/5.6`]);
    expect(query.asked).toHaveLength(4);
  });

  it("may call the token by its other name", async () => {
    expect(await locate(queryOf(guarded(base, registry(base), { token: '{"access_token":"t0k"}' })))).toMatchObject({ headers: { authorization: "Bearer t0k" } });
  });

  it("may leave out the scope", async () => {
    const query = queryOf((address, headers) => (address.startsWith("https://auth.test") ? refuse(200, {}, '{"token":"t0k"}') : headers["authorization"] ? registry(base)(address, headers) : refuse(401, { "www-authenticate": 'Bearer realm="https://auth.test/"' })));
    await locate(query);
    expect(query.asked[1]).toBe("https://auth.test/?scope=repository%3Apodman%2Fmachine-os%3Apull");
  });

  it.each<[string, string, TestServer, string]>([
    ["a token service that knows nobody", url, guarded(base, registry(base), { login: "somebody:else" }), `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there`],
    ["a token that is not enough", url, guarded(base, () => refuse(403)), `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there`],
    ["a token service without a token", url, guarded(base, registry(base), { token: '{"token":"a\\r\\nb: c"}' }), `${url} could not be fetched: the token service at https://auth.test/token answered 200 without a token`],
    ["a token service that answers with a page", url, guarded(base, registry(base), { token: "<html>" }), `${url} could not be fetched: the token service at https://auth.test/token answered 200 without a token`],
    ["a token service by plain http", url, guarded(base, registry(base), { realm: "http://127.0.0.1/token" }), `${url} could not be fetched: the registry names "http://127.0.0.1/token" as its token service, which is no https address`],
    ["another host's token service by plain http", "docker://127.0.0.1/podman/machine-os:5.6", guarded("http://127.0.0.1", registry("http://127.0.0.1"), { realm: "http://auth.test/token" }), 'docker://127.0.0.1/podman/machine-os:5.6 could not be fetched: the registry names "http://auth.test/token" as its token service, which is no https address'],
    ["a token service nowhere", url, () => refuse(401, { "www-authenticate": "Bearer service=x" }), `${url} could not be fetched: the registry names "" as its token service, which is no https address`],
    ["another way in", url, () => refuse(401, { "www-authenticate": "Negotiate, Digest realm=x" }), `${url} could not be fetched: the registry wants to know who asks by negotiate, digest`],
    ["a password and no user", url, () => refuse(401, { "www-authenticate": "Basic realm=x" }), `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there`],
    ["no way in", url, () => refuse(401), `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there`],
  ])("with %s is an error", async (_, address, server, message) => {
    await expect(locate(queryOf(server), { url: address })).rejects.toMatchObject({ code: "download", plugin: "oci", message, hint: expect.stringMatching(/./) });
  });
});

describe("what goes wrong", () => {
  const index = (manifests: readonly object[]) => ociBlob({ schemaVersion: 2, mediaType: indexType, manifests }, indexType);
  const entry = (digest: string) => ({ mediaType: indexType, digest, size: 1 });
  const nested = (depth: number): readonly OciBlob[] => {
    const inner = depth === 0 ? [image.root] : nested(depth - 1);
    return [index([descriptorOf(inner[0] ?? image.root)]), ...inner];
  };
  const deep = nested(5);
  const changed = image.documents.map((document) => (document === image.root ? document : { ...document, bytes: Buffer.from(document.bytes.toString().replace("}", "} ")) }));
  const first = (_: readonly OciBlob[]) => _[0] ?? image.root;

  it.each<[string, TestServer, object]>([
    ["a web page in place of a registry", () => refuse(200, { "content-type": "text/html; charset=utf-8" }, "<html>"), { code: "bad-image", message: expect.stringContaining(`${url} is no image: expected a JSON object, found text that begins with "<html>"`) }],
    ["a web server that has nothing there", () => refuse(404, { "content-type": "text/html" }, "<html>"), { code: "bad-image", message: "registry.test is no registry: it answered 404 with a web page" }],
    ["a tag that is not there", (address) => registry(base)(address.replace("5.6", "5.7"), {}), { code: "not-found", message: `the registry has no ${url} (MANIFEST_UNKNOWN)` }],
    ["a name that nobody may see", () => refuse(403), { code: "download", message: `${url} could not be fetched: the registry does not give it to everybody, and nobody is logged in there` }],
    ["too many requests", () => refuse(429, {}, '{"errors":[{"code":"TOOMANYREQUESTS"}]}'), { code: "download", message: `${url} could not be fetched: the registry gives no more for now (TOOMANYREQUESTS)` }],
    ["a broken registry", () => refuse(503, {}, '{"errors":[null]}'), { code: "download", message: `${url} could not be fetched: the registry answered 503` }],
    ["half an index", () => refuse(200, {}, image.root.bytes.subarray(0, 50).toString()), { code: "bad-image", message: expect.stringContaining("expected a JSON object, found text that begins with") }],
    ["an index that is not what its header says", () => refuse(200, { "docker-content-digest": `sha256:${"0".repeat(64)}` }, image.root.bytes.toString()), { code: "digest", message: `${url} is not what was named: expected sha256 ${"0".repeat(64)}, found ${hexOf(image.root)}` }],
    ["a manifest that was changed", registry(base, { documents: changed }), { code: "digest", message: expect.stringMatching(/^docker:\/\/registry\.test\/podman\/machine-os@sha256:\S+ is not what was named: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}$/) }],
    ["a manifest that is not there", registry(base, { documents: [] }), { code: "not-found", message: expect.stringMatching(/^the registry has no docker:\/\/registry\.test\/podman\/machine-os@sha256:/) }],
    ["a digest that leads elsewhere", registry(base, { root: index([entry("sha256:../../../other/blobs/x")]) }), { code: "bad-image", message: `${url} names "sha256:../../../other/blobs/x", which is no digest that can be checked` }],
    ["a digest of an unknown kind", registry(base, { root: index([entry("blake3:00")]) }), { code: "bad-image", message: `${url} names "blake3:00", which is no digest that can be checked` }],
    ["indexes without an end", registry(base, { root: first(deep), documents: [...deep, ...image.documents] }), { code: "bad-image", message: `${url} has an index in an index, 4 times over` }],
    ["a container image", registry(base, { root: ociManifest([descriptorOf(ociBlob(Buffer.from("x"), "application/vnd.oci.image.layer.v1.tar+gzip"))]) }), { code: "bad-image", message: `${url} has a layer of the media type application/vnd.oci.image.layer.v1.tar+gzip, which is no disk` }],
    ["a layer with a bad digest", registry(base, { root: ociManifest([{ mediaType: "application/x-qemu-disk", digest: "sha256:00" }]) }), { code: "bad-image", message: `${url} names "sha256:00", which is no digest that can be checked` }],
  ])("%s is an error that says so", async (_, server, error) => {
    const failure: unknown = await locate(queryOf(server)).then(() => undefined, (reason: unknown) => reason);
    expect(failure).toMatchObject({ plugin: "oci", hint: expect.stringMatching(/./), ...error });
    expect(isMachineError(failure)).toBe(true);
  });

  it("another document under a pinned digest is refused", async () => {
    const pinned = `docker://registry.test/podman/machine-os@sha256:${"0".repeat(64)}`;
    await expect(locate(queryOf(() => refuse(200, { "docker-content-digest": image.root.digest }, image.root.bytes.toString())), { url: pinned })).rejects.toMatchObject({ code: "digest" });
  });
});
