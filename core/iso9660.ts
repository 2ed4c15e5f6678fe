import { MachineError } from "./errors.ts";

/** Sectors of a CD: every extent begins at one. */
const sector = 2048;
/** Where the parts lie, in sectors. The first 16 belong to boot loaders. */
const at = { volume: 16, end: 17, littlePaths: 18, bigPaths: 19, root: 20 } as const;
/** A fixed moment, so that the same files make the same bytes: 2000-01-01 00:00 UTC, as ECMA-119 9.1.5 writes it. */
const moment = Buffer.from([100, 1, 1, 0, 0, 0, 0]);

/**
 * Text files as an ISO 9660 image: one flat folder, real names by Rock Ridge. The same files give the same bytes.
 * Names are 1 to 100 plain letters, digits, dots, hyphens and underscores. The layout is ECMA-119's; Rock Ridge is IEEE P1282 (RRIP 1.09).
 */
export function isoImage(label: string, files: Readonly<Record<string, string>>): Buffer {
  if (!/^[A-Z0-9_]{1,32}$/.test(label)) throw new MachineError("internal", `${JSON.stringify(label)} is no label of an ISO 9660 image`);
  const entries = Object.entries(files).map(([name, text]) => ({ name, iso: isoName(name), bytes: Buffer.from(text) })).sort((a, b) => (a.iso < b.iso ? -1 : 1));
  const twin = entries.find(({ iso }, index) => entries[index + 1]?.iso === iso);
  if (twin) throw new MachineError("internal", `two files of an image are both called ${twin.iso}`);

  const folderSize = folder(at.root, 0, entries.map((entry) => ({ ...entry, extent: 0 }))).length;
  let next = at.root + folderSize / sector;
  const placed = entries.map((entry) => {
    const extent = next;
    next += sectors(entry.bytes.length);
    return { ...entry, extent };
  });
  const image = Buffer.alloc(next * sector);
  volume(label, next, folderSize).copy(image, at.volume * sector);
  image.write("\u00ffCD001\u0001", at.end * sector, "latin1");
  for (const [where, isBig] of [[at.littlePaths, false], [at.bigPaths, true]] as const) pathTable(isBig).copy(image, where * sector);
  folder(at.root, folderSize, placed).copy(image, at.root * sector);
  for (const { extent, bytes } of placed) bytes.copy(image, extent * sector);
  return image;
}

interface PlacedFile {
  readonly name: string;
  readonly iso: string;
  readonly bytes: Buffer;
  readonly extent: number;
}

const sectors = (bytes: number): number => Math.ceil(bytes / sector);

/** A name for readers without Rock Ridge: capitals, digits and underscores, at most 30 characters in all, and a version. */
function isoName(name: string): string {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) throw new MachineError("internal", `${JSON.stringify(name)} cannot be the name of a file in an image`);
  return `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_").slice(0, 29)}.;1`;
}

/** The primary volume descriptor (ECMA-119 8.4). */
function volume(label: string, size: number, folderSize: number): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes.write("\u0001CD001\u0001", 0, "latin1");
  bytes.fill(" ", 8, 72).write(label, 40, "latin1");
  both32(size).copy(bytes, 80);
  for (const [offset, value] of [[120, 1], [124, 1], [128, sector]] as const) both16(value).copy(bytes, offset);
  both32(pathTable(false).length).copy(bytes, 132);
  bytes.writeUInt32LE(at.littlePaths, 140);
  bytes.writeUInt32BE(at.bigPaths, 148);
  record("\0", at.root, folderSize, true).copy(bytes, 156);
  bytes.fill(" ", 190, 813);
  // Four times that say nothing (8.4.26.1): digits "0" and an offset of 0.
  for (const offset of [813, 830, 847, 864]) bytes.fill("0", offset, offset + 16);
  bytes.writeUInt8(1, 881);
  return bytes;
}

/** The path table of a lone root folder (ECMA-119 9.4). */
function pathTable(isBig: boolean): Buffer {
  const bytes = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (isBig) bytes.writeUInt32BE(at.root, 2) && bytes.writeUInt16BE(1, 6);
  else bytes.writeUInt32LE(at.root, 2) && bytes.writeUInt16LE(1, 6);
  return bytes;
}

/** The root folder: itself, its parent, which is itself, and the files. No record crosses the end of a sector. */
function folder(extent: number, size: number, files: readonly PlacedFile[]): Buffer {
  const own = posix(0o40500, 2);
  const records = [
    record("\0", extent, size, true, Buffer.concat([entry("SP", [0xbe, 0xef, 0]), own, rockRidge])),
    record("\u0001", extent, size, true, own),
    ...files.map(({ name, iso, bytes, extent: where }) => record(iso, where, bytes.length, false, Buffer.concat([posix(0o100400, 1), entry("NM", [0, ...Buffer.from(name)])]))),
  ];
  const parts: Buffer[] = [];
  let used = 0;
  const fill = (): void => {
    const room = (sector - (used % sector)) % sector;
    parts.push(Buffer.alloc(room));
    used += room;
  };
  for (const one of records) {
    if ((used % sector) + one.length > sector) fill();
    parts.push(one);
    used += one.length;
  }
  fill();
  return Buffer.concat(parts);
}

/** A folder's record of a file (ECMA-119 9.1), with what Rock Ridge adds. */
function record(name: string, extent: number, size: number, isFolder: boolean, more: Buffer = Buffer.alloc(0)): Buffer {
  const padding = name.length % 2 === 0 ? "\0" : "";
  const head = Buffer.concat([
    Buffer.from([0, 0]), both32(extent), both32(size), moment, Buffer.from([isFolder ? 2 : 0, 0, 0]), both16(1), Buffer.from([name.length]),
    Buffer.from(name + padding, "latin1"), more,
  ]);
  const bytes = head.length % 2 === 0 ? head : Buffer.concat([head, Buffer.from([0])]);
  bytes.writeUInt8(bytes.length, 0);
  return bytes;
}

/** A system use entry (SUSP, IEEE P1281). */
function entry(kind: string, body: readonly number[]): Buffer {
  return Buffer.from([...Buffer.from(kind), body.length + 4, 1, ...body]);
}

/** Mode and number of links; everything is root's. */
function posix(mode: number, links: number): Buffer {
  return entry("PX", Buffer.concat([mode, links, 0, 0].map(both32)).toJSON().data);
}

/** Says that the entries are Rock Ridge's (SUSP "ER"). Linux looks at the identifier's presence alone. */
const rockRidge = entry("ER", [10, 0, 0, 1, ...Buffer.from("RRIP_1991A")]);

/** A number in both byte orders. */
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}
function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}
