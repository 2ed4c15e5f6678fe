import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makePrivateFolder, writeFileDurably } from "../../core/atomic.ts";
import { SmallDisk } from "../support/crash/small-disk.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "atomic-")); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const thrown = (work: () => void): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe("writeFileDurably", () => {
  test("makes a file that only its owner can read", async () => {
    await writeFileDurably(join(folder, "a"), "text");
    expect([readFileSync(join(folder, "a"), "utf8"), modeOf(join(folder, "a"))]).toEqual(["text", "600"]);
  });

  test("replaces a file and takes the mode asked for, whatever the old one was", async () => {
    writeFileSync(join(folder, "a"), "old and long", { mode: 0o600 });
    await writeFileDurably(join(folder, "a"), "new", 0o644);
    expect([readFileSync(join(folder, "a"), "utf8"), modeOf(join(folder, "a")), readdirSync(folder)]).toEqual(["new", "644", ["a"]]);
  });

  test("many writers at once leave one whole text and nothing else", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000));
    await Promise.all(texts.map((text) => writeFileDurably(join(folder, "a"), text)));
    expect(texts).toContain(readFileSync(join(folder, "a"), "utf8"));
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("clears away what a killed writer left, whatever the clock says, and nothing of a living one or of another file", async () => {
    const living = `.a.${process.ppid}-0123abcd.tmp`;
    const names = [".a.4000000-0123abcd.tmp", living, ".ab.4000000-0123abcd.tmp", ".a.tmp"];
    for (const name of names) writeFileSync(join(folder, name), "half");
    utimesSync(join(folder, living), 1, 1);
    await writeFileDurably(join(folder, "a"), "text");
    expect(readdirSync(folder).sort()).toEqual([living, ".a.tmp", ".ab.4000000-0123abcd.tmp", "a"].sort());
  });

  test("a failure names the file and leaves nothing behind", async () => {
    mkdirSync(join(folder, "a"));
    await expect(writeFileDurably(join(folder, "a"), "text")).rejects.toMatchObject({ code: "disk", message: expect.stringContaining(`${join(folder, "a")} could not be written: `) });
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});

describe("makePrivateFolder", () => {
  test("makes a folder and its parents for their owner alone", async () => {
    makePrivateFolder(join(folder, "a/b"));
    expect([modeOf(join(folder, "a")), modeOf(join(folder, "a/b"))]).toEqual(["700", "700"]);
  });

  test("closes a folder that stood open", async () => {
    mkdirSync(join(folder, "a"));
    chmodSync(join(folder, "a"), 0o777);
    makePrivateFolder(join(folder, "a"));
    expect(modeOf(join(folder, "a"))).toBe("700");
  });

  test("refuses a symbolic link, also one that leads to a folder", async () => {
    mkdirSync(join(folder, "real"), { mode: 0o755 });
    symlinkSync(join(folder, "real"), join(folder, "a"));
    expect(thrown(() => makePrivateFolder(join(folder, "a")))).toMatchObject({ code: "conflict", message: `${join(folder, "a")} is a symbolic link, and a folder is needed` });
    expect(modeOf(join(folder, "real"))).toBe("755");
  });

  test.each([["a", "is a file, and a folder is needed"], ["a/b", "is below something that is no folder, and a folder is needed"]])("refuses a file at or above %s", async (name, problem) => {
    writeFileSync(join(folder, "a"), "");
    expect(thrown(() => makePrivateFolder(join(folder, name)))).toMatchObject({ code: "conflict", message: `${join(folder, name)} ${problem}` });
  });

  test("refuses a folder of another user", async () => {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(folder, 4711, 4711);
    expect(thrown(() => makePrivateFolder(isRoot ? folder : "/"))).toMatchObject({ code: "conflict", message: expect.stringMatching(/belongs to user \d+, not to user \d+/) });
  });
});

/** On a small file system of its own, which only root can mount. */
test("a folder that cannot be made on a read-only disk is told with that reason, however many are missing", () => {
  const path = mkdtempSync(join(tmpdir(), "gp-ro-"));
  const disk = new SmallDisk(path, "64k");
  try {
    disk.setReadOnly(true);
    for (const name of ["a", "a/b/c"]) {
      expect(() => makePrivateFolder(join(path, name))).toThrow(expect.objectContaining({ code: "disk", message: `the folder ${join(path, name)} could not be made: the file system is read-only` }));
    }
  } finally {
    disk.remove();
    rmSync(path, { recursive: true });
  }
});
