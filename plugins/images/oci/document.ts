import { isObject, readObject } from "glowplug";
import { fault } from "./fault.ts";

/** Something that a document points to, as it stands there: digests are looked at when it is followed. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size?: number;
  readonly os?: string;
  readonly architecture?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** An image index or Docker's manifest list, and an image manifest of either (image-spec, image-index.md and manifest.md). */
export type Document = { readonly where: string } & (
  | { readonly kind: "index"; readonly entries: readonly Descriptor[] }
  | { readonly kind: "manifest"; readonly layers: readonly Descriptor[]; readonly annotations: Readonly<Record<string, string>> }
);

export const mediaTypes: Readonly<Record<string, Document["kind"]>> = {
  "application/vnd.oci.image.index.v1+json": "index",
  "application/vnd.docker.distribution.manifest.list.v2+json": "index",
  "application/vnd.oci.image.manifest.v1+json": "manifest",
  "application/vnd.docker.distribution.manifest.v2+json": "manifest",
};

/** Lists that are longer are nobody's disk images. */
const mostEntries = 1000;

/**
 * Parses an index or a manifest. `served` is the media type that came with it, which counts where the document names none.
 * Throws MachineError "bad-image" that says what is there instead. One that could be either is refused (CVE-2021-41190).
 */
export function parseDocument(text: string, where: string, served = ""): Document {
  const wrong = (expected: string, found: string): Error =>
    fault("bad-image", `${where} is no image: expected ${expected}, found ${found}`, "Something else may have answered in the registry's place, a proxy or a login page; or the image was published otherwise.");
  const read = readObject(text);
  if ("found" in read) throw wrong("a JSON object", read.found);
  const { object } = read;
  if (object["manifests"] !== undefined && object["layers"] !== undefined) throw wrong("an index or a manifest", "a document that has the lists of both");
  const kind = kindOf(object, served);
  if (kind === undefined) {
    const type = object["mediaType"] ?? (served || undefined);
    throw wrong("an index or a manifest of OCI or of Docker's version 2", type === undefined ? "a document of neither" : `the media type ${JSON.stringify(type)}`);
  }
  const field = kind === "index" ? "manifests" : "layers";
  const list = object[field];
  if (!Array.isArray(list)) throw wrong(`a list ${JSON.stringify(field)}`, list === undefined ? "none" : "something else");
  if (list.length > mostEntries) throw wrong(`at most ${mostEntries} entries in ${JSON.stringify(field)}`, String(list.length));
  const descriptors = list.map((entry: unknown, index) => {
    const descriptor = readDescriptor(entry);
    if (!descriptor) throw wrong(`a digest in ${field}[${index}]`, "none");
    return descriptor;
  });
  return kind === "index" ? { where, kind, entries: descriptors } : { where, kind, layers: descriptors, annotations: textsIn(object["annotations"]) };
}

/** OCI's documents need not name their own type. */
function kindOf(object: Readonly<Record<string, unknown>>, served: string): Document["kind"] | undefined {
  const own = object["mediaType"];
  if (own !== undefined) return typeof own === "string" && Object.hasOwn(mediaTypes, own) ? mediaTypes[own] : undefined;
  if (object["schemaVersion"] !== 2) return undefined;
  const [type = ""] = served.split(";");
  if (Object.hasOwn(mediaTypes, type.trim())) return mediaTypes[type.trim()];
  return object["manifests"] !== undefined ? "index" : object["layers"] !== undefined ? "manifest" : undefined;
}

function readDescriptor(entry: unknown): Descriptor | undefined {
  if (!isObject(entry) || typeof entry["digest"] !== "string") return undefined;
  const { size, platform } = entry;
  const { os, architecture } = isObject(platform) ? platform : {};
  return {
    mediaType: typeof entry["mediaType"] === "string" ? entry["mediaType"] : "", digest: entry["digest"], annotations: textsIn(entry["annotations"]),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size > 0 && { size }),
    ...(typeof os === "string" && { os }), ...(typeof architecture === "string" && { architecture }),
  };
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string")) : {};
}
