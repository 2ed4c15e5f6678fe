import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SparseFile } from "../../core/sparse-file.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
let path: string;
beforeEach(() => {
  folder = makeTestFolder();
  path = join(folder.path, "file");
});
afterEach(() => folder.remove());

const block = 65_536;
const content = Buffer.concat([randomBytes(3 * block), Buffer.alloc(40 * block), randomBytes(100), Buffer.alloc(20 * block + 7)]);

test.each([1000, block, 1_000_003])("pieces of %d bytes make the file, with holes where there are zeros", async (length) => {
  const file = await SparseFile.open(path);
  for (let at = 0; at < content.length; at += length) await file.write(content.subarray(at, at + length));
  await file.flush();
  expect([file.size, statSync(path).size]).toEqual([content.length, content.length]);
  await file.close();
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(statSync(path).blocks * 512).toBeLessThanOrEqual(6 * block);
});

test.each([0, 1, block, 5 * block + 3])("writing goes on behind %d bytes", async (at) => {
  const first = await SparseFile.open(path, { gather: 2 * block });
  await first.write(content.subarray(0, at));
  await first.flush();
  await first.close();
  const second = at === 0 ? undefined : await SparseFile.open(path, { at, gather: 2 * block });
  await second?.write(content.subarray(at));
  await second?.flush();
  await second?.close();
  expect(readFileSync(path).equals(at === 0 ? Buffer.alloc(0) : content)).toBe(true);
});

test("the file is as long as what was handed over, holes included", async () => {
  const file = await SparseFile.open(path, { gather: block });
  await file.write(Buffer.alloc(3 * block));
  await file.flush();
  expect(statSync(path).size).toBe(3 * block);
  await file.close();
});
