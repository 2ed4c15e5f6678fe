import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync, crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { readDiskHeader } from "../../core/disk-header.ts";
import { checkBeginning, compressionOf } from "../../core/magic.ts";
import { checkDetached, readClearSigned } from "../../core/openpgp.ts";
import { readOldSignatures } from "../../core/openpgp-old.ts";
import { unzip } from "../../core/unpack/zip.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder } from "../support/folders.ts";
import { fuzz, mutatedBytes, mutatedText, patienceMs } from "../support/fuzz.ts";
import { makeSigner } from "../support/signer.ts";

function testFolder(): string {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  return path;
}

test("headers of disks", async () => {
  const path = testFolder();
  const at = (name: string): string => join(path, name);
  writeRawDisk(at("raw"), { size: 2 ** 20 });
  for (const format of ["qcow2", "vmdk", "vhdx"]) execFileSync("qemu-img", ["create", "-q", "-f", format, at(format), "1M"]);
  const samples = ["raw", "qcow2", "vmdk", "vhdx"].map((name) => readFileSync(at(name)).subarray(0, 2048));
  await fuzz(fc.tuple(mutatedBytes(samples), fc.constantFrom(undefined, "qcow2" as const, "raw" as const, "vmdk" as const)), async ([bytes, expected]) => {
    writeFileSync(at("disk"), bytes);
    const { virtualSize } = await readDiskHeader(at("disk"), expected);
    if (virtualSize !== undefined) expect(virtualSize).toBeGreaterThanOrEqual(0);
  });
}, patienceMs);

test("first bytes of packed files and of pages", async () => {
  const samples = [gzipSync("x"), Buffer.from("fd377a585a000004", "hex"), Buffer.from("28b52ffd00", "hex"), Buffer.from("<!doctype html><html>"), Buffer.from('<?xml version="1.0"?>\n<html>'), Buffer.from("QFI\xfb", "latin1")];
  await fuzz(mutatedBytes(samples), (bytes) => checkBeginning(bytes, compressionOf(bytes), "the file"));
}, patienceMs);

test("zip archives", async () => {
  const content = Buffer.from("hello ".repeat(20));
  await fuzz(fc.tuple(mutatedBytes([zipOf(content, 8), zipOf(content, 0), zipOf(content, 8, "folder/")]), fc.integer({ min: 1, max: 60 })), async ([bytes, size]) => {
    const packed = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    for await (const piece of unzip(packed)) expect(piece.length).toBeGreaterThan(0);
  });
}, patienceMs);

test("texts inside their signature", async () => {
  const signer = await makeSigner("publisher");
  const text = (await signer.clearSign("abcd  disk.qcow2\n- --dashes\n")).toString();
  await fuzz(mutatedText([text], ["-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNATURE-----\n", "Hash: SHA512\n", "\n\n", "- ", "=AAAA\n"]), async (signed) => {
    const { signature } = await readClearSigned(Buffer.from(signed), "https://images.test/CHECKSUM", [signer.key]);
    expect(signature.fingerprint).toBe(signer.key.fingerprint);
  });
}, patienceMs);

test("signatures beside files", async () => {
  const signer = await makeSigner("publisher");
  const armored = await signer.sign(Buffer.from("data"));
  const binary = Buffer.from(armored.toString().replace(/^-----[^]*?\n\n|\n=[^]*$/g, ""), "base64");
  const source = { url: "https://images.test/disk.sig", keys: [signer.key] };
  await fuzz(mutatedBytes([armored, binary]), async (bytes) => {
    const check = await checkDetached(bytes, source, "the disk");
    await check.write(Buffer.from("data"));
    expect((await check.end()).fingerprint).toBe(signer.key.fingerprint);
  });
  await fuzz(mutatedBytes([binary, Buffer.from("88950300000000000000000000000000000103080000", "hex")]), (bytes) => void readOldSignatures(bytes), { always: "taken" });
}, patienceMs);

/** An archive of one file, as APPNOTE.TXT has it. */
function zipOf(content: Buffer, method: 0 | 8, folder = ""): Buffer {
  const name = Buffer.from(`${folder}disk.raw`);
  const packed = method === 8 ? deflateRawSync(content) : content;
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(method, 4);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(packed.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("504b0304", "hex"), facts, name, packed]);
  const central = Buffer.concat([Buffer.from("504b01021400", "hex"), facts, Buffer.alloc(14), name]);
  const end = Buffer.alloc(22);
  end.write("504b0506", 0, "hex");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
