import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Compression, HostFacts } from "../../core/model.ts";
import { findUnpacker } from "../../core/unpack.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { makeTestRun } from "../support/run.ts";

const bytes = Buffer.concat([randomBytes(700_000), Buffer.alloc(2 ** 21), Buffer.from("the end")]);
let folder: TestFolder;
beforeEach(() => { folder = makeTestFolder(); });
afterEach(() => folder.remove());

/** In pieces of a length, as they come from a network. */
async function* pieces(of: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < of.length; at += length) yield of.subarray(at, at + length);
}
async function unpack(compression: Compression, packed: Buffer, { length = 65_536, host = {} as Partial<HostFacts> } = {}): Promise<Buffer> {
  const all: Uint8Array[] = [];
  const target = join(folder.path, randomBytes(4).toString("hex"));
  const unpacker = findUnpacker(compression, makeTestRun(folder, host));
  for await (const piece of unpacker.unpack(pieces(packed, length), target)) all.push(Uint8Array.from(piece));
  const result = Buffer.concat(all);
  expect(existsSync(target)).toBe(unpacker.writes);
  if (unpacker.writes) {
    expect(readFileSync(target).equals(result)).toBe(true);
    expect(statSync(target).blocks * 512).toBeLessThan(2 ** 20);
  }
  return result;
}
const sha = (of: Buffer): string => createHash("sha256").update(of).digest("hex");
function zip(options: readonly string[], files: Readonly<Record<string, Buffer>> = { "disk.raw": bytes }): Buffer {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder.path, name, ".."), { recursive: true });
    writeFileSync(join(folder.path, name), content);
  }
  execFileSync("zip", ["-q", "-r", ...options, "all.zip", ...Object.keys(files).map((name) => name.split("/")[0] ?? "")], { cwd: folder.path });
  return readFileSync(join(folder.path, "all.zip"));
}
const packers: Readonly<Record<string, () => Buffer>> = {
  gz: () => gzipSync(bytes), "gz in two parts": () => Buffer.concat([gzipSync(bytes.subarray(0, 1000)), gzipSync(bytes.subarray(1000))]),
  xz: () => execFileSync("xz", ["-c", "-T2", "--block-size=1MiB"], { input: bytes }), zst: () => execFileSync("zstd", ["-c", "-q"], { input: bytes }), bz2: () => execFileSync("bzip2", ["-c"], { input: bytes }),
  zip: () => zip([]), "zip, stored": () => zip(["-0"]), "zip in a folder": () => zip([], { "images/disk.raw": bytes }),
  "zip from a pipe, its sizes behind the file": () => execFileSync("zip", ["-q", "-", "-"], { input: bytes }),
  "zip of a long file": () => zip(["-fz"]),
};
const kindOf = (name: string): Compression => name.split(/[ ,]/)[0] as Compression;

describe("what comes out is what went in", () => {
  test.each(Object.entries(packers))("%s", async (name, pack) => {
    const packed = pack();
    for (const length of [65_536, 997]) expect(sha(await unpack(kindOf(name), packed, { length }))).toBe(sha(bytes));
  });
  test.each(["xz", "zst"] as const)("%s without a program of the host", async (name) => {
    expect(sha(await unpack(name, packers[name]?.() ?? bytes, { host: { find: () => undefined } }))).toBe(sha(bytes));
  });
});

describe("a file that was cut off is refused", () => {
  test.each(Object.entries(packers))("%s", async (name, pack) => {
    const packed = pack();
    for (const length of [packed.length - 5, packed.length / 2]) {
      const tried = unpack(kindOf(name), packed.subarray(0, length)).then(() => "unpacked", (error: Error) => error.message);
      expect(await tried).toMatch(/^the image could not be unpacked: (gzip|xz|zstd|bzip2|zip): ./);
    }
  });
  test.each(["xz", "zst"] as const)("%s without a program of the host", async (name) => {
    const packed = packers[name]?.() ?? bytes;
    await expect(unpack(name, packed.subarray(0, packed.length / 2), { host: { find: () => undefined } })).rejects.toMatchObject({ code: "bad-image" });
  });
});

test.each<[string, () => Buffer, RegExp]>([
  ["several files", () => zip([], { "disk.raw": bytes, "README": Buffer.from("x") }), /^the zip archive holds several files, (disk\.raw and README|README and disk\.raw) among them; expected one file, the image$/],
  ["a password", () => zip(["-P", "secret"]), /^the zip archive holds the encrypted file disk\.raw; expected one file, the image$/],
  ["another checksum than its file", () => {
    const archive = zip(["-0"]);
    archive[100] = (archive[100] ?? 0) ^ 1;
    return archive;
  }, /^the image could not be unpacked: zip: disk\.raw has not the CRC that the archive says$/],
])("a zip archive with %s is refused", async (_, make, message) => {
  await expect(unpack("zip", make())).rejects.toMatchObject({ code: "bad-image", message: expect.stringMatching(message) });
});

/** An archive of stored entries, as APPNOTE.TXT has it; in its local headers alone. */
function entries(...all: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  return Buffer.concat(all.flatMap(([name, content]) => {
    const head = Buffer.alloc(30);
    head.write("504b0304", 0, "hex");
    head.writeUInt16LE(20, 4);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt32LE(content.length, 22);
    head.writeUInt16LE(Buffer.byteLength(name), 26);
    return [head, Buffer.from(name), content];
  }));
}
const nothing = Buffer.alloc(0);

test.each<[string, () => Buffer, RegExp]>([
  ...["../disk.raw", "/etc/passwd", "a/../../disk.raw", "..\\disk.raw", "disk\0.raw"].map((name): [string, () => Buffer, RegExp] => [
    `the name ${JSON.stringify(name)}`, () => entries([name, bytes]), /^the zip archive holds a name that leads elsewhere, "[^"]+"; expected one file, the image$/,
  ]),
  ["a folder that is none", () => entries(["images/", Buffer.alloc(2 ** 24)], ["images/disk.raw", bytes]), /^the zip archive holds the folder images\/ with contents of its own; expected/],
  ["folders without end", () => entries(...Array.from({ length: 1001 }, (_, index) => [`${index}/`, nothing] as const)), /^the zip archive holds more than 1000 entries; expected/],
  ["a list of contents without end", () => {
    const listed = Buffer.alloc(46 + 8);
    listed.write("504b0102", 0, "hex");
    listed.writeUInt16LE(8, 28);
    listed.write("disk.raw", 46);
    return Buffer.concat([entries(["disk.raw", nothing]), ...Array.from({ length: 1001 }, () => listed)]);
  }, /zip: its list of contents is longer than its contents$/],
  ["a last record of any length", () => {
    const end = Buffer.alloc(12);
    end.write("504b0606", 0, "hex");
    end.writeBigUInt64LE(2n ** 40n, 4);
    const listed = Buffer.alloc(46 + 8);
    listed.write("504b0102", 0, "hex");
    listed.writeUInt16LE(8, 28);
    listed.write("disk.raw", 46);
    return Buffer.concat([entries(["disk.raw", nothing]), listed, end, Buffer.alloc(2 ** 20)]);
  }, /zip: its last record is too long$/],
])("a zip archive that is made to do harm is refused: %s", async (_, make, message) => {
  await expect(unpack("zip", make(), { length: 4096 })).rejects.toMatchObject({ code: "bad-image", message: expect.stringMatching(message) });
});

test.each(["gz", "xz", "zst", "zip"] as const)("an error of the source stays what it is: %s", async (compression) => {
  const packed = packers[compression]?.() ?? bytes;
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield packed.subarray(0, 1000);
    throw new Error("the connection broke");
  }
  for (const host of compression === "xz" || compression === "zst" ? [{}, { find: () => undefined }] : [{}]) {
    const read = async (): Promise<void> => { for await (const piece of findUnpacker(compression, makeTestRun(folder, host)).unpack(broken(), join(folder.path, randomBytes(4).toString("hex")))) void piece; };
    await expect(read()).rejects.toThrow("the connection broke");
  }
});

test("whoever stops reading in the middle leaves no program behind", async () => {
  const run = makeTestRun(folder);
  for await (const piece of findUnpacker("xz", run).unpack(pieces(packers["xz"]?.() ?? bytes, 65_536), join(folder.path, "out"))) if (piece.length > 0) break;
  expect(execFileSync("ps", ["-o", "comm=", "--ppid", String(process.pid)], { encoding: "utf8" })).not.toContain("xz");
});
