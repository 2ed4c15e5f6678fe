import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Something that a registry or a layout keeps by its digest. */
export interface OciBlob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}
/** An image: what its tag leads to, and all that follows from there, parts first. */
export interface OciImage {
  readonly root: OciBlob;
  readonly documents: readonly OciBlob[];
  readonly blobs: readonly OciBlob[];
}
export interface OciDisk {
  /** As podman's machine-os has it: "x86_64". */
  readonly architecture: string;
  /** Default: the entry says no disktype. */
  readonly diskType?: string;
  /** Default: the layer has no title. */
  readonly title?: string;
  /** Default: a few bytes of its own. */
  readonly bytes?: Buffer;
}

export const indexType = "application/vnd.oci.image.index.v1+json";
export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** A blob of some bytes, or of a value as JSON. */
export function ociBlob(content: Buffer | object, mediaType: string): OciBlob {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

/** How a document points to a blob. */
export function descriptorOf({ mediaType, digest, bytes }: OciBlob, more: object = {}): object {
  return { mediaType, digest, size: bytes.length, ...more };
}

const config = ociBlob({}, "application/vnd.oci.empty.v1+json");

/** An image whose layers are these blobs. */
export function ociManifest(layers: readonly object[], more: object = {}): OciBlob {
  return ociBlob({ schemaVersion: 2, mediaType: manifestType, config: descriptorOf(config), layers, ...more }, manifestType);
}

/** An index as podman's machine-os is one: an artifact of one layer for each disk, marked with its disktype. */
export function ociImage(disks: readonly OciDisk[]): OciImage {
  const made = disks.map(({ architecture, diskType, title, bytes = Buffer.from(`${architecture} ${diskType}`) }) => {
    const blob = ociBlob(bytes, "application/zstd");
    const manifest = ociManifest([descriptorOf(blob, title === undefined ? {} : { annotations: { "org.opencontainers.image.title": title } })]);
    const entry = descriptorOf(manifest, { platform: { os: "linux", architecture }, ...(diskType !== undefined && { annotations: { disktype: diskType } }) });
    return { blob, manifest, entry };
  });
  const root = ociBlob({ schemaVersion: 2, mediaType: indexType, manifests: made.map(({ entry }) => entry) }, indexType);
  return { root, documents: [...made.map(({ manifest }) => manifest), root], blobs: [config, ...made.map(({ blob }) => blob)] };
}

/** machine-os for x86_64 and aarch64, with the container images that share its index. */
export function machineOs(bytes?: Buffer): OciImage {
  return ociImage([
    { architecture: "amd64" }, { architecture: "arm64" },
    ...["applehv.raw", "hyperv.vhdx", "qemu.qcow2"].flatMap((flavour) => ["x86_64", "aarch64"].map((architecture) => ({
      architecture, diskType: flavour.replace(/\..*/, ""), title: `podman-machine.${architecture}.${flavour}.zst`, ...(bytes && flavour.startsWith("qemu") && { bytes }),
    }))),
  ]);
}

/** Writes an image layout whose index has these entries. */
export function writeLayout(folder: string, entries: readonly object[], blobs: readonly OciBlob[]): void {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: entries }));
  for (const { digest, bytes } of blobs) writeFileSync(join(folder, "blobs", digest.replace(":", "/")), bytes);
}
