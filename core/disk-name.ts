import type { Compression, SourceFormat } from "./model.ts";

const formats: Readonly<Record<string, SourceFormat>> = { raw: "raw", img: "qcow2", qcow2: "qcow2", vmdk: "vmdk", vhdx: "vhdx" };

/** What the name of a disk's file tells: "machine.x86_64.qcow2.zst" is qcow2 in zst. `format` is undefined where it tells none; "img" is what distributions call their qcow2. */
export function readDiskName(name: string): { readonly format?: SourceFormat; readonly compression: Compression } {
  const [, inner = "", packed] = /^(.*?)(?:\.(gz|xz|zst|bz2|zip))?$/s.exec(name.toLowerCase()) ?? [];
  const ending = /\.(\w+)$/.exec(inner)?.[1] ?? "";
  const format = Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  return { ...(format && { format }), compression: (packed ?? "none") as Compression };
}
