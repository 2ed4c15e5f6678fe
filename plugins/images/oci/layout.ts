import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readObject, type Digest } from "glowplug";
import { checkText, needDigest } from "./digest.ts";
import { parseDocument, type Descriptor } from "./document.ts";
import { fault } from "./fault.ts";
import type { Source } from "./source.ts";

/** The tag of an entry in a layout's index.json (image-spec, annotations.md). */
const refName = "org.opencontainers.image.ref.name";

/** Documents are small; a registry takes none over 4 MiB. */
const textLimit = 16 * 2 ** 20;

/** An image layout on this host (image-spec, image-layout.md). `folder` is absolute. */
export function openLayout(folder: string, tag: string | undefined): Source {
  const shown = `${folder}${tag === undefined ? "" : `:${tag}`}`;
  const locate = ({ algorithm, hex }: Digest): string => join(folder, "blobs", algorithm, hex);
  return {
    shown, locate,

    async root() {
      checkVersion(folder);
      const path = join(folder, "index.json");
      const index = parseDocument(readText(path, folder), path);
      if (index.kind !== "index") throw fault("bad-image", `${path} is no index of a layout`, "Write the layout anew.");
      if (tag === undefined) return { ...index, where: shown };
      const entries = index.entries.filter(({ annotations }) => annotations[refName] === tag);
      if (entries.length > 0) return { ...index, entries, where: shown };
      const tags = [...new Set(index.entries.flatMap(({ annotations }) => annotations[refName] ?? []))].sort();
      throw fault("not-found", `the layout ${folder} has no image ${JSON.stringify(tag)}; it has ${tags.join(", ") || "none with a name"}`, "Write oci:FOLDER:TAG with one of them, or oci:FOLDER alone.");
    },

    async follow({ digest, mediaType }: Descriptor) {
      const its = needDigest(digest, shown);
      const path = locate(its);
      const text = readText(path, folder);
      checkText(text, its, path);
      return parseDocument(text, path, mediaType);
    },
  };
}

function checkVersion(folder: string): void {
  const path = join(folder, "oci-layout");
  const read = readObject(readText(path, folder));
  const version = "object" in read ? read.object["imageLayoutVersion"] : undefined;
  if (typeof version === "string" && version.startsWith("1.")) return;
  throw fault("bad-image", `${path} is of no layout that is known: expected imageLayoutVersion 1.0.0, found ${JSON.stringify(version) ?? ("found" in read ? read.found : "none")}`, "Write the layout anew.");
}

function readText(path: string, folder: string): string {
  try {
    if (statSync(path).size <= textLimit) return readFileSync(path, "utf8");
  } catch (cause) {
    throw fault("not-found", `${folder} is no complete image layout: ${path} cannot be read`, "Write oci:FOLDER with a folder that `skopeo copy --all docker://... oci:FOLDER` or `podman` wrote; an image of a registry is docker://HOST/NAME:TAG.", cause);
  }
  throw fault("bad-image", `${path} is longer than ${textLimit} bytes, which no document of an image is`, "Write the layout anew.");
}
