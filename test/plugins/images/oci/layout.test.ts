import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageQuery, LocalImage } from "glowplug";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { obtainImage } from "../../../../core/cache.ts";
import { foreignHost } from "../../../../core/host.ts";
import oci, { type OciOptions } from "../../../../plugins/images/oci.ts";
import { writeRawDisk } from "../../../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../../../support/folders.ts";
import { networkOf } from "../../../support/network.ts";
import { descriptorOf, machineOs, ociBlob, ociManifest, writeLayout } from "../../../support/oci-image.ts";
import { makeTestRun } from "../../../support/run.ts";

const image = machineOs();
const disk = image.blobs.find(({ bytes }) => bytes.toString() === "x86_64 qemu") ?? image.root;
const named = (name: string) => ({ annotations: { "org.opencontainers.image.ref.name": name } });

let folder: TestFolder;
let layout: string;
beforeEach(() => {
  folder = makeTestFolder();
  layout = join(folder.path, "layout");
  writeLayout(layout, [descriptorOf(image.root, named("5.6"))], [...image.documents, ...image.blobs]);
});
afterEach(() => folder.remove());

const query = (): ImageQuery => ({ host: foreignHost("linux/amd64"), arch: "x86_64", platforms: ["qemu"], formats: ["qcow2", "raw"], folder: folder.path, ...networkOf() });
const locate = async (options: OciOptions | string) => (await oci(options).locate(query())) as LocalImage;
const expected = () => ({
  kind: "local", path: join(layout, "blobs", disk.digest.replace(":", "/")), digest: { algorithm: "sha256", hex: disk.digest.slice(7) }, format: "qcow2", compression: "zst",
});

describe("the disk of a layout", () => {
  it.each<[string, () => OciOptions | string, string]>([
    ["a folder", () => ({ path: "layout" }), ""],
    ["a folder as skopeo writes it", () => "oci:./layout", ""],
    ["a folder and a tag", () => "oci:layout:5.6", ":5.6"],
    ["an absolute folder and a tag", () => ({ path: `${layout}:5.6` }), ":5.6"],
    ["a tag of its own", () => ({ path: layout, tag: "5.6" }), ":5.6"],
  ])("is named by %s", async (_, options, tag) => expect(await locate(options())).toEqual({ ...expected(), title: `${layout}${tag}` }));

  it("is found among several images by their tag, which may have colons", async () => {
    const other = ociManifest([descriptorOf(ociBlob(Buffer.from("other"), "application/octet-stream"))]);
    writeLayout(layout, [descriptorOf(other, named("other")), descriptorOf(image.root, named("quay.io/podman/machine-os:5.6"))], [other]);
    expect(await locate("oci:layout:quay.io/podman/machine-os:5.6")).toMatchObject(expected());
    expect(await locate("oci:layout:other")).toEqual({ kind: "local", title: `${layout}:other`, path: expect.any(String), digest: expect.any(Object) });
  });

  it("is found in a folder with a colon in its name, where the tag is told apart", async () => {
    const odd = join(folder.path, "a:b");
    writeLayout(odd, [descriptorOf(image.root, named("5.6"))], image.documents);
    expect((await locate({ path: odd, tag: "5.6" })).title).toBe(`${odd}:5.6`);
  });
});

it("is brought into the store", async () => {
  const raw = join(folder.path, "disk.raw");
  writeRawDisk(raw, { size: 2 ** 20, data: [{ at: 4096, bytes: Buffer.from("a disk") }] });
  const blob = ociBlob(readFileSync(raw), "application/octet-stream");
  const manifest = ociManifest([descriptorOf(blob, { annotations: { "org.opencontainers.image.title": "disk.raw" } })]);
  writeLayout(layout, [descriptorOf(manifest)], [manifest, blob]);
  const run = makeTestRun(folder);
  expect(await obtainImage(await locate("oci:layout"), run, "oci")).toMatchObject({ source: "oci", title: layout, id: blob.digest.slice(7), format: "raw", virtualSize: 2 ** 20 });
});

describe("what goes wrong", () => {
  const index = (entries: readonly object[]) => () => writeLayout(layout, entries, []);

  it.each<[string, () => void, OciOptions | string, () => object]>([
    ["a folder that is not there", () => rmSync(layout, { recursive: true }), "oci:layout", () => ({ code: "not-found", message: `${layout} is no complete image layout: ${layout}/oci-layout cannot be read` })],
    ["a folder that is none", () => rmSync(join(layout, "index.json")), "oci:layout", () => ({ code: "not-found", message: `${layout} is no complete image layout: ${layout}/index.json cannot be read` })],
    ["another version", () => writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'), "oci:layout", () => ({ code: "bad-image", message: `${layout}/oci-layout is of no layout that is known: expected imageLayoutVersion 1.0.0, found "2.0.0"` })],
    ["a version that is cut off", () => writeFileSync(join(layout, "oci-layout"), "{"), "oci:layout", () => ({ code: "bad-image", message: `${layout}/oci-layout is of no layout that is known: expected imageLayoutVersion 1.0.0, found text that begins with "{"` })],
    ["an index that is cut off", () => truncateSync(join(layout, "index.json"), 20), "oci:layout", () => ({ code: "bad-image", message: `${layout}/index.json is no image: expected a JSON object, found text that begins with "{\\"schemaVersion\\":2,\\""` })],
    ["a manifest for an index", () => writeFileSync(join(layout, "index.json"), '{"schemaVersion":2,"layers":[]}'), "oci:layout", () => ({ code: "bad-image", message: `${layout}/index.json is no index of a layout` })],
    ["a tag that is not there", () => {}, "oci:layout:5.7", () => ({ code: "not-found", message: `the layout ${layout} has no image "5.7"; it has 5.6` })],
    ["a tag in a layout without any", index([descriptorOf(image.root)]), "oci:layout:5.6", () => ({ code: "not-found", message: `the layout ${layout} has no image "5.6"; it has none with a name` })],
    ["two images and no tag", index([descriptorOf(image.root), descriptorOf(image.root)]), "oci:layout", () => ({ code: "bad-image", message: `${layout} has 2 images for x86_64, and none is marked as a disk` })],
    ["a digest that leads out of the folder", index([{ mediaType: "", digest: "sha256:../../../../etc/passwd" }]), "oci:layout", () => ({ code: "bad-image", message: `${layout} names "sha256:../../../../etc/passwd", which is no digest that can be checked` })],
    ["a manifest that is not there", () => rmSync(join(layout, "blobs", image.root.digest.replace(":", "/"))), "oci:layout", () => ({ code: "not-found", message: `${layout} is no complete image layout: ${layout}/blobs/${image.root.digest.replace(":", "/")} cannot be read` })],
    ["a manifest that was changed", () => writeFileSync(join(layout, "blobs", image.root.digest.replace(":", "/")), "{}"), "oci:layout", () => ({ code: "digest", message: expect.stringContaining("is not what was named: expected sha256") })],
    ["a document without an end", () => truncateSync(join(layout, "index.json"), 2 ** 25), "oci:layout", () => ({ code: "bad-image", message: `${layout}/index.json is longer than 16777216 bytes, which no document of an image is` })],
  ])("%s is an error that says so", async (_, spoil, options, error) => {
    spoil();
    await expect(locate(options)).rejects.toMatchObject({ plugin: "oci", hint: expect.stringMatching(/./), ...error() });
  });
});
