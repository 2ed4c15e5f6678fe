import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** Sizes and contents of a disk for tests. */
export interface RawDisk {
  /** Bytes. */
  readonly size: number;
  /** Bytes of data at an offset; the rest are holes. */
  readonly data?: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** Where the only partition ends. Default: the disk's end. */
  readonly partitionEnd?: number;
}

/** Writes a raw disk with a boot sector and one partition. */
export function writeRawDisk(path: string, { size, data = [], partitionEnd = size }: RawDisk): void {
  const sector = Buffer.alloc(512);
  sector[446 + 4] = 0x83;
  sector.writeUInt32LE(1, 446 + 8);
  sector.writeUInt32LE(partitionEnd / 512 - 1, 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  const file = openSync(path, "w");
  try {
    ftruncateSync(file, size);
    for (const { at, bytes } of [{ at: 0, bytes: sector }, ...data]) writeSync(file, bytes, 0, bytes.length, at);
  } finally {
    closeSync(file);
  }
}

/** Makes another format of a raw disk. */
export function convertDisk(source: string, target: string, format: string): void {
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", format, source, target]);
}
