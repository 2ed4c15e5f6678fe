import { createHash, randomBytes } from "node:crypto";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyAndHash, hashFile } from "../../core/sparse-copy.ts";
import { writeRawDisk } from "../support/disks.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
beforeEach(() => { folder = makeTestFolder(); });
afterEach(() => folder.remove());
const at = (name: string): string => join(folder.path, name);
const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a copy is the same, byte by byte, and has holes where there are zeros", async () => {
  const data = [{ at: 3 * 2 ** 20 + 17, bytes: randomBytes(100_000) }, { at: 40 * 2 ** 20 - 5, bytes: randomBytes(5) }];
  writeRawDisk(at("a"), { size: 40 * 2 ** 20 + 512, data });
  const done: number[] = [];
  const hex = await copyAndHash(at("a"), at("b"), { onProgress: (bytes) => done.push(bytes) });
  expect(hex).toBe(sha256(at("a")));
  expect(readFileSync(at("b")).equals(readFileSync(at("a")))).toBe(true);
  expect(statSync(at("b")).blocks * 512).toBeLessThan(8 * 2 ** 20);
  expect(done.at(-1)).toBe(40 * 2 ** 20 + 512);
});

test.each([0, 1, 2 ** 20, 2 ** 20 + 1])("a file of %d bytes is copied whole, also one of zeros alone", async (size) => {
  writeFileSync(at("random"), randomBytes(size));
  writeFileSync(at("zeros"), "");
  truncateSync(at("zeros"), size);
  for (const name of ["random", "zeros"]) {
    expect(await copyAndHash(at(name), at(`${name}-copy`))).toBe(sha256(at(name)));
    expect(statSync(at(`${name}-copy`)).size).toBe(size);
  }
});

test("nothing that is there is written over", async () => {
  writeFileSync(at("a"), "new");
  writeFileSync(at("b"), "old");
  await expect(copyAndHash(at("a"), at("b"))).rejects.toThrow("EEXIST");
  expect(readFileSync(at("b"), "utf8")).toBe("old");
});

test("the signal ends a copy and a hashing", async () => {
  writeFileSync(at("a"), "text");
  const signal = AbortSignal.abort(new Error("Ctrl-C"));
  await expect(copyAndHash(at("a"), at("b"), { signal })).rejects.toThrow("Ctrl-C");
  await expect(hashFile(at("a"), { signal })).rejects.toThrow("Ctrl-C");
});

test("a file can be hashed with another algorithm", async () => {
  writeFileSync(at("a"), "text");
  expect(await hashFile(at("a"), { algorithm: "sha512" })).toBe(createHash("sha512").update("text").digest("hex"));
});
