import { describe, expect, it } from "vitest";
import type { ImageQuery, LocatedImage } from "glowplug";
import { networkOf } from "../../support/network.ts";
import { foreignHost } from "../../../core/host.ts";
import file, { type FileOptions } from "../../../plugins/images/file.ts";

const query: ImageQuery = {
  host: foreignHost("linux/amd64"), arch: "x86_64", platforms: ["qemu"], formats: ["qcow2", "raw"], folder: "/project",
  ...networkOf(),
};
const locate = async (options: FileOptions | string): Promise<LocatedImage> => await file(options).locate(query);
const hex = "0".repeat(64);
const digest = { algorithm: "sha256", hex };

describe("a file on this host", () => {
  it.each([
    ["./images/disk.qcow2", { kind: "local", title: "disk.qcow2", path: "/project/images/disk.qcow2" }],
    ["/var/disk.raw", { kind: "local", title: "disk.raw", path: "/var/disk.raw" }],
    [{ path: "../disk.img", format: "raw" }, { kind: "local", title: "disk.img", path: "/disk.img", format: "raw" }],
    ["/var/disk.raw.XZ", { kind: "local", title: "disk.raw.XZ", path: "/var/disk.raw.XZ", compression: "xz" }],
    [{ path: "/var/disk", digest: `sha256:${hex}` }, { kind: "local", title: "disk", path: "/var/disk", digest }],
  ] as const)("%j", async (options, image) => expect(await locate(options)).toEqual(image));
});

it("makes an empty disk of /dev/null, as podman does", async () => {
  const image = await locate("/dev/null");
  expect(image).toMatchObject({ kind: "build", title: "an empty disk", needs: ["qemu-img"], format: "qcow2" });
  const steps = image.kind === "build" ? image.steps({ scratch: "/scratch", output: "/out/disk" }) : undefined;
  expect(steps?.commands.map(String)).toEqual(["qemu-img create -q -f qcow2 /out/disk 1M"]);
});

describe("an address", () => {
  it.each([
    ["https://example.org/a/fcos.qcow2.xz", { title: "fcos.qcow2.xz", format: "qcow2", compression: "xz" }],
    ["https://example.org/disk.RAW.ZST", { title: "disk.RAW.ZST", format: "raw", compression: "zst" }],
    ["https://example.org/noble.img", { title: "noble.img", format: "qcow2", compression: "none" }],
    ["https://example.org/disk.vmdk?mirror=1", { title: "disk.vmdk", format: "vmdk", compression: "none" }],
    ["https://example.org/my%20disk.gz", { title: "my disk.gz", format: "qcow2", compression: "gz" }],
    ["https://example.org/noble.img.bz2", { title: "noble.img.bz2", format: "qcow2", compression: "bz2" }],
    ["https://example.org/100%.raw.gz", { title: "100%.raw.gz", format: "raw", compression: "gz" }],
    ["https://example.org/", { title: "example.org", format: "qcow2", compression: "none" }],
  ])("%s", async (url, image) => expect(await locate({ url, digest: `sha256:${hex}` })).toEqual({ kind: "fetch", url, digest, ...image }));

  it("may be told what it serves", async () => {
    expect(await locate({ url: "http://localhost/disk", format: "raw", digest: "waived" })).toMatchObject({ format: "raw", digest: "waived" });
  });
});

it("can be changed by a hook without a trace in the next answer", async () => {
  const source = file("/var/disk.raw");
  const image = await source.locate(query);
  if (image.kind === "local") image.path = "/elsewhere";
  expect(await source.locate(query)).toMatchObject({ path: "/var/disk.raw" });
});

it("is for an Ignition guest with the user core, unless told otherwise", () => {
  expect(file("/disk")).toMatchObject({ firstBoot: "ignition", user: "core" });
  expect(file({ path: "/disk", firstBoot: "cloud-init", user: "debian" })).toMatchObject({ firstBoot: "cloud-init", user: "debian" });
});

it.each([
  [{}, "needs either a path or an url"],
  [{ path: "/a", url: "https://b/" }, "needs either a path or an url"],
  [{ path: "/a", digest: "sha256:abc" }, 'has the digest "sha256:abc", which is none'],
  ["", "has an empty path"],
  [{ url: "ftp://example.org/disk", digest: "waived" }, 'has the address "ftp://example.org/disk", which is no http or https URL'],
  [{ url: "disk.qcow2", digest: "waived" }, 'has the address "disk.qcow2", which is no http or https URL'],
  [{ url: "https://example.org/disk" }, "has an address without a digest"],
  [{ url: "https://example.org/disk", digest: "sha256:abc" }, 'has the digest "sha256:abc", which is none'],
  [{ url: "https://example.org/disk", digest: `md5:${hex}` }, `has the digest "md5:${hex}", which is none`],
])("refuses %j", (options, message) => {
  expect(() => file(options)).toThrowError(expect.objectContaining({ code: "bad-image", message: `the file image ${message}`, plugin: "file", hint: expect.stringMatching(/./) }));
});
