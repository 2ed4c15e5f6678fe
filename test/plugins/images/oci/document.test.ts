import fc from "fast-check";
import { isMachineError } from "glowplug";
import { expect, it } from "vitest";
import { chooseEntry } from "../../../../plugins/images/oci/choose.ts";
import { findDisk } from "../../../../plugins/images/oci/disk.ts";
import { parseDocument } from "../../../../plugins/images/oci/document.ts";
import { indexType, machineOs, manifestType } from "../../../support/oci-image.ts";

const digest = `sha256:${"a".repeat(64)}`;
const read = (value: unknown, served?: string): unknown => parseDocument(JSON.stringify(value), "it", served);
const layer = { mediaType: "", digest, annotations: {} };

it.each<[string, unknown, string | undefined, object]>([
  ["an index", { mediaType: indexType, manifests: [{ mediaType: manifestType, digest, size: 5, platform: { os: "linux", architecture: "amd64" }, annotations: { disktype: "qemu", n: 1 } }] }, undefined,
    { kind: "index", entries: [{ mediaType: manifestType, digest, size: 5, os: "linux", architecture: "amd64", annotations: { disktype: "qemu" } }] }],
  ["Docker's manifest list", { mediaType: "application/vnd.docker.distribution.manifest.list.v2+json", manifests: [] }, undefined, { kind: "index", entries: [] }],
  ["a manifest", { mediaType: manifestType, layers: [{ digest }], annotations: { a: "b" } }, undefined, { kind: "manifest", layers: [layer], annotations: { a: "b" } }],
  ["Docker's manifest", { mediaType: "application/vnd.docker.distribution.manifest.v2+json", layers: [{ digest, size: "5" }] }, undefined, { kind: "manifest", layers: [layer], annotations: {} }],
  ["one whose type came with it", { schemaVersion: 2, layers: [] }, `${manifestType}; charset=utf-8`, { kind: "manifest", layers: [], annotations: {} }],
  ["one that names no type", { schemaVersion: 2, manifests: [] }, "application/json", { kind: "index", entries: [] }],
])("%s is read", (_, value, served, expected) => expect(read(value, served)).toEqual({ where: "it", ...expected }));

it.each<[string, string, string, string?]>([
  ["a page", "<!DOCTYPE html>\n<title>Log in</title>", 'expected a JSON object, found text that begins with "<!DOCTYPE html>"'],
  ["nothing", "  \n", "expected a JSON object, found nothing"],
  ["half a document", JSON.stringify({ mediaType: manifestType, layers: [] }).slice(0, 30), 'expected a JSON object, found text that begins with "{\\"mediaType\\":\\"application/vnd."'],
  ["a list", "[]", "expected a JSON object, found a list"],
  ["a document of Docker's version 1", '{ "schemaVersion": 1, "fsLayers": [] }', 'expected an index or a manifest of OCI or of Docker\'s version 2, found the media type "application/vnd.docker.distribution.manifest.v1+prettyjws"', "application/vnd.docker.distribution.manifest.v1+prettyjws"],
  ["another type", '{ "mediaType": "application/vnd.oci.image.config.v1+json" }', 'expected an index or a manifest of OCI or of Docker\'s version 2, found the media type "application/vnd.oci.image.config.v1+json"'],
  ["a type that is an object", '{ "mediaType": {}, "layers": [] }', "expected an index or a manifest of OCI or of Docker's version 2, found the media type {}"],
  ["a registry's own error", '{ "errors": [] }', "expected an index or a manifest of OCI or of Docker's version 2, found a document of neither"],
  ["an index and a manifest in one", '{ "schemaVersion": 2, "manifests": [], "layers": [] }', "expected an index or a manifest, found a document that has the lists of both"],
  ["an index without its list", `{ "mediaType": "${indexType}" }`, 'expected a list "manifests", found none'],
  ["a manifest with a wrong list", `{ "mediaType": "${manifestType}", "layers": {} }`, 'expected a list "layers", found something else'],
  ["a layer without a digest", `{ "mediaType": "${manifestType}", "layers": [{}] }`, "expected a digest in layers[0], found none"],
  ["far too many layers", JSON.stringify({ mediaType: manifestType, layers: Array(1001).fill({ digest }) }), 'expected at most 1000 entries in "layers", found 1001'],
])("%s is refused", (_, text, problem, served) => {
  expect(() => parseDocument(text, "it", served)).toThrowError(expect.objectContaining({ code: "bad-image", plugin: "oci", message: `it is no image: ${problem}`, hint: expect.stringMatching(/./) }));
});

it("any document, broken in any way, is read or refused in words", () => {
  const { documents } = machineOs();
  const texts = documents.map(({ bytes }) => bytes.toString());
  const words = fc.constantFrom("manifests", "layers", "mediaType", "digest", "platform", "annotations", "schemaVersion", "__proto__", indexType, manifestType, digest, "org.opencontainers.image.title");
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, true, 2, -1, 1e400, ""), words, tie("list"), tie("object")),
    list: fc.array(tie("any"), { maxLength: 4 }), object: fc.dictionary(words, tie("any"), { maxKeys: 6 }),
  })).any;
  const broken = fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 40 }), fc.string({ maxLength: 3 })).map(([text, at, cut, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + cut));
  fc.assert(fc.property(fc.oneof(value.map((one) => JSON.stringify(one)), broken), (text) => {
    try {
      const document = parseDocument(text, "it");
      if (document.kind === "index") chooseEntry(document.entries, "it", { arch: "x86_64", platforms: ["qemu"] });
      else findDisk(document.layers, "it");
    } catch (error) {
      if (!isMachineError(error) || error.code !== "bad-image") throw error;
    }
  }), { numRuns: 2000 });
});
