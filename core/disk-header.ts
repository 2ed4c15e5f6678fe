import { open, type FileHandle } from "node:fs/promises";
import { codeOf } from "./atomic.ts";
import { MachineError, messageOf } from "./errors.ts";
import type { SourceFormat } from "./model.ts";

/** What the first bytes of a disk tell. */
export interface DiskHeader {
  readonly format: SourceFormat;
  /** Bytes that the guest sees; undefined for formats that are converted on the way in. */
  readonly virtualSize?: number;
}

/** Compressed files and the like, which people take for disks. */
const mistaken: readonly (readonly [magic: string, what: string, hint: string])[] = [
  ["1f8b", "compressed with gzip", "Unpack it first: gunzip --keep FILE"],
  ["fd377a585a00", "compressed with xz", "Unpack it first: xz --decompress --keep FILE"],
  ["28b52ffd", "compressed with zstd", "Unpack it first: zstd --decompress FILE"],
  ["425a68", "compressed with bzip2", "Unpack it first: bzip2 --decompress --keep FILE"],
  ["504b0304", "a zip archive", "Unpack it first: unzip FILE"],
  ["7f454c46", "a program", "Name a disk image."],
];

/**
 * Reads what kind of disk a file is, and its size for the guest. `expected` is what somebody said it is.
 * Throws MachineError "bad-image" for a file that is no disk, that needs another file beside it (unless it is an `overlay` of ours),
 * or that plainly ends too early.
 */
export async function readDiskHeader(path: string, expected?: SourceFormat, { overlay = false } = {}): Promise<DiskHeader> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    const missing = codeOf(cause) === "ENOENT";
    throw new MachineError(missing ? "not-found" : "bad-image", missing ? `there is no image ${path}` : `the image ${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw badImage(path, "is no file");
    const { size } = stat;
    const head = await read(handle, 0, headLength);
    const found = formatOf(head);
    if (size === 0) throw badImage(path, "is empty");
    if (!overlay && expected !== undefined) checkFormat(head, expected, path); // what a guest writes into a raw disk of its own may look like anything
    else if (expected !== undefined && expected !== "raw" && found !== expected) throw otherFormat(path, expected, found);
    switch (expected ?? found) {
      case "qcow2": return { format: "qcow2", virtualSize: checkQcow2(path, head, overlay) };
      case "raw": return { format: "raw", virtualSize: await checkRaw(path, handle, head, size) };
      case "vmdk": return { format: "vmdk" };
      case "vhdx": return { format: "vhdx" };
      default: throw noDisk(path, head, size);
    }
  } finally {
    await handle.close();
  }
}

/** As many bytes of a disk as tell its format. */
export const headLength = 1024;

/** Refuses a disk whose first bytes tell of another format than was said. A raw disk need not tell anything. Throws MachineError "bad-image" naming both. */
export function checkFormat(head: Buffer, said: SourceFormat, shown: string): void {
  const found = formatOf(head);
  if (found !== said && (said !== "raw" || found !== undefined)) throw otherFormat(shown, said, found);
}

function otherFormat(shown: string, said: SourceFormat, found: SourceFormat | undefined): MachineError {
  return badImage(shown, `is no ${said} disk; it looks like ${found === undefined ? "something else" : `a ${found} disk`}`);
}

function formatOf(head: Buffer): SourceFormat | undefined {
  if (head.subarray(0, 4).toString("latin1") === "QFI\xfb") return "qcow2";
  if (head.subarray(0, 4).toString("latin1") === "KDMV") return "vmdk";
  if (head.subarray(0, 8).toString("latin1") === "vhdxfile") return "vhdx";
  const bootSector = head.length >= 512 && head.readUInt16LE(510) === 0xaa55;
  return bootSector || isGpt(head) ? "raw" : undefined;
}

const isGpt = (head: Buffer): boolean => head.subarray(512, 520).toString("latin1") === "EFI PART";

/**
 * Fields of QEMU's docs/interop/qcow2.txt. A disk that leans on a backing file or an external data file could make us read
 * any file of the host, so it is refused before a program opens it.
 */
function checkQcow2(path: string, head: Buffer, overlay: boolean): number {
  if (head.length < 72) throw badImage(path, "ends in the middle of its header");
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw badImage(path, `is a qcow2 disk of version ${version}, expected 2 or 3`);
  if (!overlay && head.readBigUInt64BE(8) !== 0n) throw badImage(path, "needs a backing file", "Make one whole disk of it: qemu-img convert -O qcow2 FILE NEW");
  const externalData = 4n;
  if (version === 3 && head.length >= 80 && (head.readBigUInt64BE(72) & externalData) !== 0n) throw badImage(path, "keeps its data in another file", "Make one whole disk of it: qemu-img convert -O qcow2 FILE NEW");
  return Number(head.readBigUInt64BE(24));
}

/** The end of the disk as its partition table has it: UEFI specification 2.10, 5.2.1 (MBR) and 5.3.2 (GPT). */
async function checkRaw(path: string, handle: FileHandle, head: Buffer, size: number): Promise<number> {
  if (size === 0) throw badImage(path, "is empty");
  const end = isGpt(head) ? gptEnd(await read(handle, 512, 92)) : mbrEnd(head);
  if (end > size) throw badImage(path, `ends after ${size} bytes, and its partitions after ${end}: it was cut off`, "Fetch or copy it again.");
  return size;
}

/** The other copy of the header stands in the last sector. */
const gptEnd = (header: Buffer): number => (header.length < 40 ? 0 : Number(header.readBigUInt64LE(32) + 1n) * 512);

function mbrEnd(head: Buffer): number {
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) return 0;
  const entries = [446, 462, 478, 494].map((at) => ({ status: head[at], type: head[at + 4], end: (head.readUInt32LE(at + 8) + head.readUInt32LE(at + 12)) * 512 }));
  if (entries.some(({ status }) => status !== 0 && status !== 0x80)) return 0; // a file system's boot sector, not a table
  return Math.max(...entries.map(({ type, end }) => (type === 0 || type === 0xee ? 0 : end)));
}

function noDisk(path: string, head: Buffer, size: number): MachineError {
  if (size === 0) return badImage(path, "is empty");
  const [, what, hint] = mistaken.find(([magic]) => head.toString("hex").startsWith(magic)) ?? [];
  return what === undefined ? badImage(path, "is no disk image: it has neither a qcow2 header nor a boot sector") : badImage(path, `is ${what}, not a disk image`, hint?.replace("FILE", path));
}

function badImage(path: string, problem: string, hint = "Name a disk that boots by itself, as qcow2 or raw."): MachineError {
  return new MachineError("bad-image", `${path} ${problem}`, { hint: hint.replace("FILE", path) });
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
