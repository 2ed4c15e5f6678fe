import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { doubtOf } from "../../core/trust.ts";
import { makeTestFolder } from "../support/folders.ts";

const own = process.getuid?.() ?? 0;
const isRoot = own === 0;
let folder: string;
let file: string;
beforeEach(() => {
  const made = makeTestFolder();
  onTestFinished(made.remove);
  folder = join(made.path, "project");
  file = join(folder, "glowplug.config.ts");
  mkdirSync(folder);
  writeFileSync(file, "");
  chmodSync(folder, 0o755);
  chmodSync(file, 0o644);
});

test("a file of the user's in a folder of the user's is in no doubt", () => {
  expect(doubtOf(file, own)).toBeUndefined();
});

test.each([
  ["a folder that everybody may write to", 0o777, 0o644, "lies in a folder that everybody may write to"],
  ["a file that everybody may write to", 0o755, 0o666, "can be changed by everybody"],
  ["a sticky folder, as /tmp", 0o1777, 0o644, undefined],
])("%s", (_, folderMode, fileMode, doubt) => {
  chmodSync(folder, folderMode);
  chmodSync(file, fileMode);
  expect(doubtOf(file, own)).toBe(doubt);
});

test("a group that others are in may write neither to the folder nor to the file; the user's own group may", () => {
  if (isRoot) chownSync(folder, 0, 4711);
  if (isRoot) chownSync(file, 0, 4711);
  const { uid, gid } = statSync(folder);
  const isOwn = gid === uid || gid === 0;
  chmodSync(folder, 0o775);
  expect(doubtOf(file, own)).toBe(isOwn ? undefined : `lies in a folder that group ${gid} may write to`);
  chmodSync(folder, 0o755);
  chmodSync(file, 0o664);
  expect(doubtOf(file, own)).toBe(isOwn ? undefined : `can be changed by group ${gid}`);
  if (!isRoot) return;
  for (const path of [folder, file]) chownSync(path, 4711, 4711);
  expect(doubtOf(file, 4711)).toBeUndefined();
});

test("what is somebody else's is in doubt, for root as well: it may be of the user who called sudo", () => {
  const other = isRoot ? 0 : own + 1;
  if (isRoot) chownSync(folder, 4711, 4711);
  const owner = statSync(folder).uid;
  expect(doubtOf(file, other)).toBe(`lies in a folder of user ${owner}'s`);
});

test("a file of somebody else's in a sticky folder is in doubt", () => {
  chmodSync(folder, 0o1777);
  if (isRoot) chownSync(file, 4711, 4711);
  const other = isRoot ? 0 : own + 1;
  expect(doubtOf(file, other)).toBe(isRoot ? "belongs to user 4711" : `lies in a folder of user ${own}'s`);
});

test("what is root's is in no doubt for anybody", () => {
  expect(doubtOf("/etc/passwd", 4711)).toBeUndefined();
});
