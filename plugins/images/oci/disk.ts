import { readDiskName, type Compression, type SourceFormat } from "glowplug";
import type { Descriptor } from "./document.ts";
import { fault } from "./fault.ts";

/** A layer that is a disk. What the manifest does not tell is undefined. */
export interface DiskLayer {
  readonly layer: Descriptor;
  readonly format?: SourceFormat;
  readonly compression?: Compression;
}

/** The file's name (image-spec, annotations.md). podman wants it, and oras and buildah write it. */
const title = "org.opencontainers.image.title";

/**
 * The disk among a manifest's layers: the one whose title is a disk's name, else the only layer, by its media type. A disk's name
 * counts more than the type: oras calls whatever it pushes a tar archive. Throws MachineError "bad-image" where no layer, or more than one, is a disk.
 */
export function findDisk(layers: readonly Descriptor[], where: string): DiskLayer {
  const disks = layers.map(readLayer).filter(({ format }) => format !== undefined);
  const [disk] = disks;
  if (disks.length > 1) throw fault("bad-image", `${where} has ${disks.length} disks: ${disks.map(({ layer }) => shown(layer)).join(", ")}`, "One is expected in an image; the others belong into images of their own, in an index.");
  if (disk) return disk;
  const [only] = layers;
  if (layers.length !== 1 || !only) {
    throw fault("bad-image", `${where} has ${layers.length || "no"} layers, and none is a disk${layers.length > 0 ? `: ${layers.map(shown).join(", ")}` : ""}`, "Expected an image of one layer, as podman's machine-os is. A container image has no disk.");
  }
  const layer = readLayer(only);
  if (layer.compression === undefined && only.mediaType !== "application/octet-stream" && only.mediaType !== "") {
    throw fault("bad-image", `${where} has a layer of the media type ${only.mediaType}, which is no disk`, "Expected a disk, as podman's machine-os has one. A container image has none.");
  }
  return layer;
}

function shown({ annotations, mediaType, digest }: Descriptor): string {
  return annotations[title] ?? (mediaType || digest);
}

function readLayer(layer: Descriptor): DiskLayer {
  const named = readDiskName(layer.annotations[title] ?? "");
  if (named.format) return { layer, format: named.format, compression: named.compression };
  const type = /\btar\b/.test(layer.mediaType) ? "" : layer.mediaType;
  const format = formats.find(([form]) => form.test(type))?.[1];
  const packed = named.compression === "none" ? compressions.find(([form]) => form.test(type))?.[1] : named.compression;
  const compression = packed ?? (format && "none");
  return { layer, ...(format && { format }), ...(compression && { compression }) };
}

/** Names of shared-mime-info, and what people make of them. */
const formats: readonly (readonly [RegExp, SourceFormat])[] = [[/\bqcow2?\b|\bqemu-disk\b/, "qcow2"], [/\bvmdk\b/, "vmdk"], [/\bvhdx\b/, "vhdx"], [/\braw\b/, "raw"]];
const compressions: readonly (readonly [RegExp, Compression])[] = [[/\bzstd$/, "zst"], [/\bgzip$/, "gz"], [/\bxz$/, "xz"], [/\bbzip2?$/, "bz2"], [/[/+]zip$/, "zip"]];
