import { describe, expect, it } from "vitest";
import { findDisk } from "../../../../plugins/images/oci/disk.ts";
import type { Descriptor } from "../../../../plugins/images/oci/document.ts";

function layerOf([mediaType, title]: readonly [type: string, title?: string]): Descriptor {
  return { mediaType, digest: "sha256:x", annotations: title === undefined ? {} : { "org.opencontainers.image.title": title } };
}
const tar = "application/vnd.oci.image.layer.v1.tar+gzip";

describe("the disk of a manifest", () => {
  it.each<[readonly (readonly [string, string?])[], number, object]>([
    [[["application/zstd", "podman-machine.x86_64.qemu.qcow2.zst"]], 0, { format: "qcow2", compression: "zst" }],
    [[["application/octet-stream", "podman-machine.aarch64.applehv.raw.zst"]], 0, { format: "raw", compression: "zst" }],
    [[["application/vnd.oci.image.layer.v1.tar", "disk.qcow2"]], 0, { format: "qcow2", compression: "none" }],
    [[["text/plain", "README"], ["application/octet-stream", "disk.raw.xz"]], 1, { format: "raw", compression: "xz" }],
    [[["application/zstd"]], 0, { compression: "zst" }],
    [[["application/x-qemu-disk"]], 0, { format: "qcow2", compression: "none" }],
    [[["application/vnd.example.disk.raw+gzip"]], 0, { format: "raw", compression: "gz" }],
    [[["application/octet-stream", "disk.xz"]], 0, { compression: "xz" }],
    [[["application/octet-stream"]], 0, {}],
    [[["", ""]], 0, {}],
  ])("%j is layer %i: %j", (layers, at, expected) => {
    const all = layers.map(layerOf);
    expect(findDisk(all, "it")).toEqual({ layer: all[at], ...expected });
  });

  it.each<[readonly (readonly [string, string?])[], string]>([
    [[], "it has no layers, and none is a disk"],
    [[[tar]], `it has a layer of the media type ${tar}, which is no disk`],
    [[["text/plain", "README"]], "it has a layer of the media type text/plain, which is no disk"],
    [[[tar], [tar]], `it has 2 layers, and none is a disk: ${tar}, ${tar}`],
    [[["", "a.qcow2"], ["", "b.raw.gz"], ["", "c"]], "it has 2 disks: a.qcow2, b.raw.gz"],
  ])("%j has none", (layers, message) => {
    expect(() => findDisk(layers.map(layerOf), "it")).toThrowError(expect.objectContaining({ code: "bad-image", plugin: "oci", message, hint: expect.stringMatching(/./) }));
  });
});
