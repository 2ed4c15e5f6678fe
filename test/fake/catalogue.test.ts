import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FetchImage, TrustedKey } from "glowplug";
import { publishedImage, publisherFolders, publishers } from "../support/publishers.ts";
import { makeSigner, type TestSigner } from "../support/signer.ts";
import { World } from "../support/world.ts";

/** One server in every publisher's place: its pages below /NAME/, signed by a publisher of the test's. */
let server: Server;
let address: string;
let publisher: TestSigner;
let world: World;

beforeAll(async () => {
  publisher = await makeSigner("publisher");
  server = createServer((request, response) => {
    void answer(decodeURI(request.url ?? "")).then((body) => response.writeHead(body === undefined ? 404 : 200).end(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = new World({});
  Object.assign(world.env, { no_proxy: "127.0.0.1", NO_PROXY: "127.0.0.1" });
});
afterAll(async () => {
  await world.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function answer(path: string): Promise<string | Buffer | undefined> {
  const [, name = "", below = ""] = /^\/([^/]+)\/(.*)$/.exec(path) ?? [];
  const text = (at: string): string | undefined => publishers[name]?.[`${publisherFolders[name]}${at}`];
  const [, signed] = /^(.*)\.(?:asc|gpg)$/.exec(below) ?? [];
  if (signed !== undefined) return publisher.sign(Buffer.from(text(signed) ?? ""));
  const found = text(below);
  return found !== undefined && below.endsWith("-CHECKSUM") ? publisher.clearSign(found) : found;
}

/** What is planned of an image by the built command, for another host. */
async function planned(name: string, host: string, options: object = {}): Promise<FetchImage & { readonly by: Readonly<Record<string, string>> }> {
  const keys: readonly TrustedKey[] = [publisher.key];
  const signed = ["almalinux", "fedora-cloud", "opensuse-leap", "ubuntu"].includes(name);
  world.write("box.yaml", `image: [${name}, ${JSON.stringify({ url: `${address}/${name}/`, ...(signed && { keys }), ...options })}]\nforwarder: slirp\npodman: false\n`);
  const { image } = JSON.parse(await world.ok("plan", "--json", "--host", host, "./box.yaml")) as { image: FetchImage & { by: Record<string, string> } };
  return image;
}

describe("plan for another host", () => {
  it.each<[name: string, host: string, distro: string, word: string, options: object]>([
    ["debian", "darwin/arm64", "debian-13", "genericcloud", {}],
    ["debian", "linux/amd64", "debian-13", "genericcloud", { release: "13", build: "20260712-2537" }],
    ["ubuntu", "darwin/arm64", "ubuntu-26.04", "server", {}],
    ["ubuntu", "linux/amd64", "ubuntu-24.04", "minimal", { stream: "minimal", release: "24.04" }],
    ["fedora-cloud", "darwin/arm64", "fedora-44", "", {}],
    ["fedora-cloud", "linux/amd64", "fedora-44", "", {}],
    ["centos-stream", "darwin/arm64", "centos-stream-10", "", {}],
    ["centos-stream", "linux/amd64", "centos-stream-10", "", {}],
    ["almalinux", "darwin/arm64", "almalinux-10", "", {}],
    ["almalinux", "linux/amd64", "almalinux-10", "", {}],
    ["rocky", "darwin/arm64", "rocky-10", "", {}],
    ["rocky", "linux/amd64", "rocky-10", "", {}],
    ["alpine", "darwin/arm64", "alpine-3.23", "", {}],
    ["archlinux", "linux/amd64", "archlinux", "", {}],
  ])("names the real disk of %s for %s, its checksum, and who signed that", async (name, host, distro, word, options) => {
    const real = publishedImage(distro, host.endsWith("arm64") ? "aarch64" : "x86_64", word);
    const base = publisherFolders[name] ?? "";
    const image = await planned(name, host, options);
    const [algorithm, hex] = real.digest.split(":");
    expect(image).toMatchObject({ kind: "fetch", url: `${address}/${name}/${real.url.slice(base.length)}`, digest: { algorithm, hex }, format: "qcow2", compression: "none", by: { url: name, digest: name, checksums: name } });
    const signature = ["almalinux", "fedora-cloud", "ubuntu"].includes(name) ? { fingerprint: publisher.key.fingerprint, owner: publisher.key.owner } : undefined;
    expect(image.checksums?.signature && { fingerprint: image.checksums.signature.fingerprint, owner: image.checksums.signature.owner }).toEqual(signature);
    expect(existsSync(join(world.folder, "images"))).toBe(false);
  });

  it.each([
    ["flatcar", "darwin/arm64", "arm64-usr/4593.2.4/flatcar_production_qemu_uefi_image.img"], ["flatcar", "linux/amd64", "amd64-usr/4593.2.4/flatcar_production_qemu_image.img"],
    ["opensuse-leap", "darwin/arm64", "leap/16.0/appliances/Leap-16.0-Minimal-VM.aarch64-Cloud-Build18.7.qcow2"], ["alpine", "linux/amd64", "v3.23/releases/cloud/nocloud_alpine-3.23.4-x86_64-bios-cloudinit-r0.qcow2"],
  ])("names the disk of %s for %s", async (name, host, path) => {
    expect(await planned(name, host)).toMatchObject({ url: `${address}/${name}/${path}`, by: { url: name } });
  });

  it("tells who signed, and where the signature is, to people", async () => {
    await planned("ubuntu", "linux/amd64");
    const text = await world.ok("plan", "--host", "linux/amd64", "./box.yaml");
    expect(text).toMatch(/^Image: Ubuntu 26\.04 \(20260720\)$/m);
    expect(text).toMatch(new RegExp(`^ {2}signed by +${publisher.key.owner.replace(/[.]/g, "\\.")}, ${publisher.key.fingerprint}$`, "m"));
  });
});

describe("an image that is wanted in vain", () => {
  it.each<[string, string, object, RegExp, RegExp]>([
    ["archlinux", "darwin/arm64", {}, /Arch Linux has no cloud image for aarch64; it has some for x86_64/, /Choose another image/],
    ["debian", "linux/amd64", { release: "9" }, /Debian has no release 9: http:\S+\/debian\/ has 14, 13, 12, 11/, /Choose one of these/],
    ["ubuntu", "linux/amd64", { release: "24.04", build: "5" }, /Ubuntu has no build 5 of release 24\.04: http:\S+ has 20260705, 20260601/, /Choose one of these/],
    ["rocky", "linux/amd64", { release: 9.8 }, /rocky has the release 9\.8, which is none/, /as text/],
    ["ubuntu", "linux/amd64", { keys: undefined }, /SHA256SUMS is not signed by its publisher/, /SHA256SUMS\.gpg\. It was changed on the way/],
  ])("%s on %s with %j", async (name, host, options, message, hint) => {
    await expect(planned(name, host, options)).rejects.toThrow(message);
    const { code, stderr } = await world.glowplug("plan", "--host", host, "./box.yaml");
    expect([code, stderr]).toEqual([125, expect.stringMatching(message)]);
    expect(stderr).toMatch(new RegExp(`^hint: .*${hint.source}`, "m"));
  });
});
