import { crc32, createInflateRaw } from "node:zlib";
import { MachineError, messageOf } from "../errors.ts";
import { damaged } from "./damaged.ts";
import { ByteReader } from "./byte-reader.ts";

/** Numbers and fields of PKWARE's APPNOTE.TXT 6.3.10. */
const localHeader = 0x04034b50;
const descriptor = 0x08074b50;
const centralHeader = 0x02014b50;
const end = 0x06054b50;
const longEnd = 0x06064b50;
const locatorLength = 20;
const encrypted = 1;
const sizesBehind = 8;
/** The most entries, folders among them: an archive of one image has a few. */
const mostEntries = 1000;
/** The most bytes of the record that long archives end with: it has 44, and room for what others put there. */
const mostAtEnd = 2 ** 16;

interface Entry {
  readonly name: string;
  /** 0 stored, 8 deflate. */
  readonly method: number;
  /** Packed bytes; undefined where they stand behind them. */
  readonly size: number | undefined;
}

/**
 * The only file of a zip archive, as it arrives: its list of contents comes last. Folders beside it do no harm.
 * Checks its CRC-32 against that list. Throws MachineError "bad-image" for several files, encryption, damage, and what is made to
 * do harm: names that lead elsewhere, folders with contents, entries without end. A name is no path to us in any case.
 */
export async function* unzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = new ByteReader(packed, () => damaged("zip", "it ends too early"));
  let found: string | undefined;
  let crc = 0;
  let signature = await reader.number(4);
  for (let count = 1; signature === localHeader; count += 1, signature = await reader.number(4)) {
    if (count > mostEntries) throw refused(`more than ${mostEntries} entries`);
    const entry = await readEntry(reader);
    if (entry.name.endsWith("/")) {
      if (entry.size !== 0) throw refused(`the folder ${entry.name} with contents of its own`);
      continue;
    }
    if (found !== undefined) throw refused(`several files, ${found} and ${entry.name} among them`);
    found = entry.name;
    for await (const piece of contentOf(entry, reader)) {
      crc = crc32(piece, crc);
      yield piece;
    }
    if (entry.size === undefined) await skipDescriptor(reader);
  }
  if (found === undefined) throw refused("no file");
  if (signature !== centralHeader) throw damaged("zip", "its list of contents is not where it should be");
  await checkList(reader, found, crc);
  await reader.drain();
}

async function readEntry(reader: ByteReader): Promise<Entry> {
  const head = await reader.take(26);
  const flags = head.readUInt16LE(2);
  const name = (await reader.take(head.readUInt16LE(22))).toString("utf8");
  const extra = await reader.take(head.readUInt16LE(24));
  const method = head.readUInt16LE(4);
  if (name.startsWith("/") || name.split(/[/\\]/).includes("..") || name.includes("\0")) throw refused(`a name that leads elsewhere, ${JSON.stringify(name)}`);
  if ((flags & encrypted) !== 0) throw refused(`the encrypted file ${name}`);
  if (method !== 0 && method !== 8) throw refused(`${name}, packed by method ${method}`);
  const size = (flags & sizesBehind) !== 0 ? undefined : longSize(head.readUInt32LE(14), extra);
  if (size === undefined && method === 0) throw refused(`${name}, stored without its size`);
  return { name, method, size };
}

/** Sizes beyond 4 GiB stand in an extra field: the length of the file, then the packed one. */
function longSize(size: number, extra: Buffer): number {
  if (size !== 0xffffffff) return size;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1 && at + 20 <= extra.length) return Number(extra.readBigUInt64LE(at + 12));
  }
  throw damaged("zip", "the size of its file is missing");
}

async function* contentOf({ method, size }: Entry, reader: ByteReader): AsyncGenerator<Uint8Array, void, void> {
  const pieces = reader.pieces(size);
  if (method === 0) return yield* pieces;
  const inflate = createInflateRaw({ chunkSize: 2 ** 20 });
  let last: Uint8Array | undefined;
  let begun = 0;
  let failed: unknown;
  const ended = new Promise<void>((resolve) => void inflate.once("end", resolve).once("close", resolve));
  const fed = (async () => {
    for await (const piece of pieces) {
      begun = inflate.bytesWritten;
      last = piece;
      // It takes no more once the file has ended.
      await Promise.race([ended, new Promise<void>((resolve) => void inflate.write(piece, () => resolve()))]);
      if (inflate.readableEnded || inflate.destroyed) return;
    }
    inflate.end();
  })().catch((error: unknown) => {
    failed = error;
    inflate.destroy();
  });
  try {
    yield* inflate as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw failed ?? damaged("zip", messageOf(cause), cause);
  }
  await fed;
  if (last) reader.giveBack(last.subarray(inflate.bytesWritten - begun));
}

/** CRC and sizes, with or without a signature, of 4 or 8 bytes each: what follows tells. They are checked against the list. */
async function skipDescriptor(reader: ByteReader): Promise<void> {
  for (const length of [12, 16, 20, 24]) {
    const bytes = await reader.peek(length + 4);
    const next = bytes.readUInt32LE(length);
    const signed = length === 16 || length === 24;
    if ((next !== localHeader && next !== centralHeader) || signed !== (bytes.readUInt32LE(0) === descriptor)) continue;
    await reader.take(length);
    return;
  }
  throw damaged("zip", "its file does not end where it should");
}

/** The list, from behind its first signature to the archive's last record. */
async function checkList(reader: ByteReader, name: string, crc: number): Promise<void> {
  let signature = centralHeader;
  for (let count = 1; signature === centralHeader; count += 1, signature = await reader.number(4)) {
    if (count > mostEntries) throw damaged("zip", "its list of contents is longer than its contents");
    const head = await reader.take(42);
    const its = (await reader.take(head.readUInt16LE(24))).toString("utf8");
    await reader.take(head.readUInt16LE(26) + head.readUInt16LE(28));
    if (its === name && head.readUInt32LE(12) !== crc) throw damaged("zip", `${name} has not the CRC that the archive says`);
  }
  if (signature === longEnd) {
    const length = (await reader.take(8)).readBigUInt64LE();
    if (length > mostAtEnd) throw damaged("zip", "its last record is too long");
    await reader.take(Number(length) + locatorLength);
    signature = await reader.number(4);
  }
  if (signature !== end) throw damaged("zip", "its list of contents has no end");
  await reader.take((await reader.take(18)).readUInt16LE(16));
}

function refused(what: string): MachineError {
  return new MachineError("bad-image", `the zip archive holds ${what}; expected one file, the image`, { hint: "Unpack it, and use the disk as a local file." });
}
