import { chmodSync, lchownSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { makePrivateFolder } from "../../core/atomic.ts";
import { checkWay } from "../../core/safe-way.ts";
import { makeTestFolder } from "../support/folders.ts";

let folder: string;
beforeEach(() => {
  const made = makeTestFolder();
  folder = made.path;
  onTestFinished(made.remove);
});
const own = process.getuid?.() ?? 0;
/** Somebody who is neither the owner of what the tests make, nor root; as root, the owner is changed instead. */
const stranger = own === 0 ? 0 : own + 1;
const giveAway = (path: string): void => (own === 0 ? lchownSync(path, 4711, 4711) : undefined);
const owner = own === 0 ? 4711 : own;

test("a way through folders of the user's and root's is safe, through /tmp as well, and as far as it is there", () => {
  checkWay(join(folder, "not/yet/there"));
  checkWay("/");
});

test("a folder of somebody else's on the way is refused, with whose it is", () => {
  mkdirSync(join(folder, "theirs"));
  giveAway(join(folder, "theirs"));
  const where = own === 0 ? join(folder, "theirs") : folder;
  expect(() => checkWay(join(folder, "theirs/glowplug"), stranger)).toThrow(expect.objectContaining({
    code: "conflict", message: `${where} belongs to user ${owner}, so ${join(folder, "theirs/glowplug")} is not safe there`,
    hint: expect.stringMatching(own === 0 ? /^Run glowplug as user 4711, or, as root, with folders of root's/ : /^Name a folder of your own/) as string,
  }) as Error);
});

test("a folder that everybody may write to is refused unless it is sticky", () => {
  mkdirSync(join(folder, "open"));
  chmodSync(join(folder, "open"), 0o777);
  expect(() => makePrivateFolder(join(folder, "open/glowplug"))).toThrow(expect.objectContaining({
    code: "conflict", message: `${join(folder, "open")} can be written to by everybody, so ${join(folder, "open")} is not safe there`,
  }) as Error);
  chmodSync(join(folder, "open"), 0o1777);
  makePrivateFolder(join(folder, "open/glowplug"));
});

test("a link of the user's is followed, and what it leads to is looked at", () => {
  mkdirSync(join(folder, "real/deep"), { recursive: true });
  symlinkSync(join(folder, "real/deep"), join(folder, "link"));
  checkWay(join(folder, "link/x"));
  chmodSync(join(folder, "real"), 0o777);
  expect(() => checkWay(join(folder, "link/x"))).toThrow(`${join(folder, "real")} can be written to by everybody`);
});

test("a link that somebody else has put there is refused", () => {
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  giveAway(join(folder, "link"));
  expect(() => checkWay(join(folder, "link/x"), stranger)).toThrow(`belongs to user ${owner}`);
});

test("a link that leads nowhere is left to whoever follows it", () => {
  symlinkSync(join(folder, "gone"), join(folder, "link"));
  checkWay(join(folder, "link/x"));
});
