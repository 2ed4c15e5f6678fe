import { join, isAbsolute } from "node:path";
import { checkOptions, MachineError, type FirstBoot, type ImageQuery, type ImageSource, type LocatedImage, type SourceFormat } from "glowplug";
import { chooseEntry } from "./oci/choose.ts";
import { needDigest } from "./oci/digest.ts";
import { findDisk, type DiskLayer } from "./oci/disk.ts";
import type { Document } from "./oci/document.ts";
import { fault } from "./oci/fault.ts";
import { openLayout } from "./oci/layout.ts";
import { parseReference } from "./oci/reference.ts";
import { openRegistry } from "./oci/registry.ts";
import type { Source } from "./oci/source.ts";

export interface OciOptions {
  /** An image of a registry: "docker://HOST[:PORT]/NAME[:TAG][@DIGEST]". Either this or `path`. */
  readonly url?: string;
  /** Folder of an image layout, absolute or relative to the script: "./layout", "./layout:TAG". */
  readonly path?: string;
  /** Which image of the layout; `path` is then taken as it stands. Default: the only one for this machine. */
  readonly tag?: string;
  /** Speak plain http with the registry. Default: with one of this very host alone, unless that asks for https. */
  readonly insecure?: boolean;
  /** Whether the registry must prove who it is. False takes any certificate, and plain http where nobody speaks https. Default: true. */
  readonly tlsVerify?: boolean;
  /**
   * File with logins, as `podman login --authfile` writes it; absolute or relative to the script. Default: where podman and docker keep
   * theirs, below the home and /run; looked for only when a registry asks who wants the image.
   */
  readonly authFile?: string;
  /** First-boot language of the guest. Default: ignition. */
  readonly firstBoot?: FirstBoot;
  /** Login user that the image is made for. Default: core. */
  readonly user?: string;
  /** Default: told by the layer's title, else its media type. */
  readonly format?: SourceFormat;
}

/** An index may point to others; this deep, nobody's does. */
const mostSteps = 4;

/** A disk that an OCI image carries, as podman's machine-os does: from a registry, or from a layout on this host. */
export default function oci(options: OciOptions | string): ImageSource {
  const { url, path, tag, insecure, tlsVerify, authFile, format, firstBoot = "ignition", user = "core" } = typeof options === "string" ? named(options) : options;
  if (typeof options !== "string") checkOptions("oci", options, ["url", "path", "tag", "insecure", "tlsVerify", "authFile", "firstBoot", "user", "format"]);
  if ((url === undefined) === (path === undefined)) throw bad("needs either an url or a path", 'Write oci("docker://HOST/NAME:TAG") or oci("oci:./layout").');
  if (path === "") throw bad("has an empty path", "Name the layout's folder.");
  const stray = Object.entries(url === undefined ? { insecure, tlsVerify, authFile } : { tag }).find(([, value]) => value !== undefined);
  if (stray) throw bad(`takes no ${stray[0]} for ${url === undefined ? "a layout" : "an image of a registry"}`, "Leave it out.");
  const reference = url === undefined ? undefined : parseReference(url);
  return {
    name: "oci",
    role: "image",
    firstBoot,
    user,

    async locate(query) {
      if (!reference) return inLayout(openLayout(...layoutOf(path ?? "", tag, query.folder)), query, format);
      const registry = openRegistry(reference, { ...(insecure !== undefined && { insecure }), ...(tlsVerify !== undefined && { tlsVerify }), ...(authFile !== undefined && { authFile: below(query.folder, authFile) }) }, query);
      const found = await findIn(registry, query);
      const digest = needDigest(found.layer.digest, found.where);
      const known = format ?? found.format;
      if (!known) throw fault("bad-image", `${found.where} does not say in what format its disk is`, 'Say it as format: "qcow2", or "raw".');
      const headers = registry.headers();
      return {
        kind: "fetch", title: reference.shown, ...release(found), url: registry.locate(digest), digest, checksums: { url: found.where }, format: known, compression: found.compression ?? "none",
        ...(found.layer.size !== undefined && { size: found.layer.size }), ...(headers && { headers: { ...headers } }), ...(tlsVerify === false && { anyCertificate: true }),
      };
    },
  };
}

async function inLayout(layout: Source, query: ImageQuery, wanted: SourceFormat | undefined): Promise<LocatedImage> {
  const found = await findIn(layout, query);
  const digest = needDigest(found.layer.digest, found.where);
  const format = wanted ?? found.format;
  return {
    kind: "local", title: layout.shown, ...release(found), path: layout.locate(digest), digest,
    ...(format && { format }), ...(found.compression && { compression: found.compression }),
  };
}

interface FoundDisk extends DiskLayer {
  readonly where: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Walks down from what was asked for to the disk for this machine. */
async function findIn(source: Source, query: ImageQuery): Promise<FoundDisk> {
  let document: Document = await source.root();
  for (let step = 0; document.kind === "index"; step += 1) {
    if (step === mostSteps) throw fault("bad-image", `${source.shown} has an index in an index, ${mostSteps} times over`, "Choose another image.");
    document = await source.follow(chooseEntry(document.entries, document.where, query));
  }
  const { where, layers, annotations } = document;
  return { ...findDisk(layers, where), where, annotations };
}

function release({ annotations }: FoundDisk): { readonly release?: string } {
  const version = annotations["org.opencontainers.image.version"];
  return version === undefined || !/^[\w.+~-]{1,64}$/.test(version) ? {} : { release: version };
}

/** As podman and skopeo have it, the first colon ends the folder (containers-transports(5)). */
function layoutOf(path: string, tag: string | undefined, folder: string): [folder: string, tag: string | undefined] {
  const colon = tag === undefined ? path.indexOf(":") : -1;
  const plain = colon < 0 ? path : path.slice(0, colon);
  return [below(folder, plain), colon < 0 ? tag : path.slice(colon + 1)];
}

function below(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function named(word: string): OciOptions {
  return word.includes("://") ? { url: word } : { path: word.replace(/^oci:/, "") };
}

function bad(message: string, hint: string): MachineError {
  return fault("bad-image", `the oci image ${message}`, hint);
}
