import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { copyTree, type Copied } from "../../../core/copy/copy.ts";
import { guestTree } from "../../../core/copy/guest-tree.ts";
import { hostTree } from "../../../core/copy/host-tree.ts";
import type { GuestFiles } from "../../../core/ssh.ts";
import { scratchFolder } from "../../fixtures/login.ts";
import { startSshd } from "../../fixtures/sshd.ts";

/** The guest's files are OpenSSH's, in a folder of this host. */
let files: GuestFiles;
let here: string;
let there: string;
let warnings: string[];
beforeEach(async () => {
  files = await (await (await startSshd()).connect()).sftp();
  const folder = scratchFolder();
  [here, there] = [join(folder, "here"), join(folder, "there")];
  mkdirSync(here);
  mkdirSync(there);
  warnings = [];
});

interface Extra {
  readonly signal?: AbortSignal;
  progress?(done: number, total: number): void;
}

function put(source: string, destination: string, { signal = new AbortController().signal, progress = () => {} }: Extra = {}): Promise<Copied> {
  return copyTree({
    from: hostTree, source, to: guestTree(files), destination, signal, progress, warn: (line) => warnings.push(line),
    transfer: (from, to, mode, step) => files.put(from, to, { mode, step }),
  });
}
function get(source: string, destination: string, { signal = new AbortController().signal, progress = () => {} }: Extra = {}): Promise<Copied> {
  return copyTree({
    from: guestTree(files), source, to: hostTree, destination, signal, progress, warn: (line) => warnings.push(line),
    transfer: (from, to, _mode, step) => files.get(from, to, step),
  });
}

/** A folder with all that a folder can hold. */
function makeSite(path: string): void {
  mkdirSync(join(path, "css/empty"), { recursive: true });
  writeFileSync(join(path, "index.html"), "hello\n", { mode: 0o640 });
  writeFileSync(join(path, "css/a b.css"), "x".repeat(300_000));
  writeFileSync(join(path, "none"), "");
  writeFileSync(join(path, "run.sh"), "#!/bin/sh\n");
  chmodSync(join(path, "run.sh"), 0o4755);
  symlinkSync("../outside", join(path, "css/link"));
  for (const name of ["index.html", "css/a b.css", "none", "run.sh"]) utimesSync(join(path, name), 1_600_000_000, 1_600_000_000);
  chmodSync(join(path, "css"), 0o750);
  utimesSync(join(path, "css"), 1_500_000_000, 1_500_000_000);
}

/** What lies below a folder, in words. */
function tree(path: string): Record<string, string> {
  return Object.fromEntries(readdirSync(path, { recursive: true, encoding: "utf8" }).sort().map((name) => {
    const full = join(path, name);
    const info = lstatSync(full);
    if (info.isSymbolicLink()) return [name, `link to ${readlinkSync(full)}`];
    const mode = (info.mode & 0o7777).toString(8);
    return [name, info.isDirectory() ? `folder ${mode}` : `file ${mode} of ${info.size} bytes, ${Math.floor(info.mtimeMs / 1000)}`];
  }));
}
const site = {
  css: "folder 750", "css/a b.css": "file 644 of 300000 bytes, 1600000000", "css/empty": "folder 755", "css/link": "link to ../outside",
  "index.html": "file 640 of 6 bytes, 1600000000", none: "file 644 of 0 bytes, 1600000000", "run.sh": "file 755 of 10 bytes, 1600000000",
};

describe.each([["into", put, () => here, () => there], ["out of", get, () => there, () => here]] as const)("copying %s the guest", (_, copy, from, to) => {
  test("a folder brings all that is in it, with modes and times; links stay links, and nobody gains a set-uid bit", async () => {
    makeSite(join(from(), "site"));
    expect(await copy(join(from(), "site"), join(to(), "new"))).toEqual({ files: 4, bytes: 300_016 });
    expect(tree(join(to(), "new"))).toEqual(site);
    expect(Math.floor(statSync(join(to(), "new/css")).mtimeMs / 1000)).toBe(1_500_000_000);
    expect(readFileSync(join(to(), "new/css/a b.css"), "utf8")).toBe("x".repeat(300_000));
    expect(warnings).toEqual([]);
  });

  test("into a folder that is there, under its own name; with /. only what is in it, and the folder keeps its mode", async () => {
    makeSite(join(from(), "site"));
    mkdirSync(join(to(), "dest"), { mode: 0o711 });
    await copy(join(from(), "site"), join(to(), "dest"));
    expect(readdirSync(join(to(), "dest"))).toEqual(["site"]);
    expect(tree(join(to(), "dest/site"))).toEqual(site);
    mkdirSync(join(to(), "other"), { mode: 0o711 });
    await copy(`${join(from(), "site")}/.`, join(to(), "other"));
    expect(tree(join(to(), "other"))).toEqual(site);
    expect(statSync(join(to(), "other")).mode & 0o777).toBe(0o711);
  });

  test("over what is there: files and links are replaced, the rest stays", async () => {
    makeSite(join(from(), "site"));
    chmodSync(join(from(), "site/css"), 0o755);
    mkdirSync(join(to(), "site/css"), { recursive: true });
    writeFileSync(join(to(), "site/index.html"), "something longer than before\n");
    writeFileSync(join(to(), "site/mine"), "mine");
    symlinkSync("elsewhere", join(to(), "site/css/link"));
    await copy(join(from(), "site"), to());
    expect(tree(join(to(), "site"))).toEqual({ ...site, css: "folder 755", mine: expect.stringMatching(/^file 644 of 4 bytes/) as string });
  });

  test("a file takes the destination's name, or goes into it where it is a folder; a link that is named is followed", async () => {
    writeFileSync(join(from(), "a"), "a");
    symlinkSync("a", join(from(), "link"));
    mkdirSync(join(to(), "folder"));
    await copy(join(from(), "a"), join(to(), "b"));
    await copy(join(from(), "link"), `${join(to(), "folder")}/`);
    await copy(join(from(), "a"), join(to(), "b"));
    expect([readFileSync(join(to(), "b"), "utf8"), readFileSync(join(to(), "folder/link"), "utf8")]).toEqual(["a", "a"]);
    expect(lstatSync(join(to(), "folder/link")).isSymbolicLink()).toBe(false);
  });

  test("nothing is written where the two do not fit", async () => {
    mkdirSync(join(from(), "folder"));
    writeFileSync(join(from(), "file"), "a");
    mkdirSync(join(to(), "in/file"), { recursive: true });
    writeFileSync(join(to(), "there"), "b");
    await expect(copy(join(from(), "none"), to())).rejects.toMatchObject({ code: "not-found", message: expect.stringMatching(/^there is no .*\/none on /) as string });
    await expect(copy(join(from(), "file"), join(to(), "no/file"))).rejects.toMatchObject({ code: "not-found", message: expect.stringMatching(/^there is no folder .*\/no on /) as string });
    await expect(copy(join(from(), "file"), `${join(to(), "new")}/`)).rejects.toMatchObject({ code: "not-found" });
    await expect(copy(join(from(), "folder"), join(to(), "there"))).rejects.toMatchObject({ code: "conflict", message: expect.stringMatching(/there on .* is a file, and .* is a folder$/) as string });
    await expect(copy(join(from(), "file"), join(to(), "in"))).rejects.toMatchObject({ code: "conflict" });
    expect(readdirSync(to(), { recursive: true }).sort()).toEqual(["in", "in/file", "there"]);
  });

  test("progress goes from nothing to all of it", async () => {
    makeSite(join(from(), "site"));
    const readings: [number, number][] = [];
    await copy(join(from(), "site"), to(), { progress: (done, total) => readings.push([done, total]) });
    expect(readings[0]).toEqual([0, 300_016]);
    expect(readings.at(-1)).toEqual([300_016, 300_016]);
    expect(readings.every(([done], index) => done >= (readings[index - 1]?.[0] ?? 0))).toBe(true);
  });

  test("an interrupt ends it, and what was begun and not finished is removed", async () => {
    writeFileSync(join(from(), "large"), Buffer.alloc(64 * 2 ** 20));
    const stop = new AbortController();
    await expect(copy(join(from(), "large"), to(), { signal: stop.signal, progress: (done) => { if (done > 0) stop.abort(new Error("enough")); } })).rejects.toThrow("enough");
    expect(existsSync(join(to(), "large"))).toBe(false);
  });
});

test("many files go several at once", async () => {
  mkdirSync(join(here, "many"));
  for (let index = 0; index < 200; index += 1) writeFileSync(join(here, "many", String(index)), String(index));
  expect(await put(join(here, "many"), there)).toMatchObject({ files: 200 });
  expect(readdirSync(join(there, "many"))).toHaveLength(200);
  expect(readFileSync(join(there, "many/123"), "utf8")).toBe("123");
});

describe("a guest that cannot be trusted", () => {
  const info = { kind: "file", mode: 0o644, size: 1, modified: 0 } as const;
  const lying = (names: readonly string[]): void => {
    const honest = files;
    files = { ...honest, readdir: async () => names.map((name) => ({ name, ...info })) };
  };
  test.each(["../x", "..", ".", "", "a/b", "a\0b"])("cannot name a file %j", async (name) => {
    lying([name]);
    await expect(get(there, join(here, "new"))).rejects.toMatchObject({ code: "ssh", message: expect.stringContaining("whose name is none") as string });
    expect(readdirSync(here)).toEqual([]);
  });
  test("cannot name two files alike", async () => {
    lying(["a", "a"]);
    await expect(get(there, join(here, "new"))).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("twice") as string });
    expect(readdirSync(here)).toEqual([]);
  });
});
