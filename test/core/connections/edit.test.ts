import { chmodSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adding } from "../../../core/connections/book.ts";
import { editBook, readBook, type BookFile } from "../../../core/connections/edit.ts";
import { tellsOfLock, whileUnlocked } from "../../../core/connections/podman-lock.ts";
import { holdFcntlLock } from "../../support/fcntl-lock.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";

let test: TestFolder;
let folder: string;
let file: BookFile;
const add = (name: string, its: BookFile = file) => editBook(its, (now) => adding(now, { [name]: { uri: `ssh://${name}` } }), { paths: test.paths, signal: new AbortController().signal });

beforeEach(() => {
  test = makeTestFolder();
  folder = test.path;
  file = { path: join(folder, "deep/er/podman-connections.json"), format: "json" };
});
afterEach(() => test.remove());

describe("a file of podman's connections", () => {
  it("is made with its folders, readable as podman's is", async () => {
    expect(await readBook(file)).toEqual({ connections: {} });
    await add("web");
    expect(await readBook(file)).toEqual({ default: "web", connections: { web: { uri: "ssh://web" } } });
    expect(statSync(file.path).mode & 0o777).toBe(0o644);
    expect(readdirSync(join(folder, "deep/er"))).toEqual(["podman-connections.json"]);
  });

  it("keeps its mode, and the link that leads to it", async () => {
    mkdirSync(join(folder, "deep/er"), { recursive: true });
    const mine = join(folder, "dotfiles.json");
    writeFileSync(mine, "{}");
    chmodSync(mine, 0o600);
    symlinkSync(mine, file.path);
    await add("web");
    expect(lstatSync(file.path).isSymbolicLink()).toBe(true);
    expect(statSync(mine).mode & 0o777).toBe(0o600);
    expect(await readBook(file)).toMatchObject({ default: "web" });
  });

  it("is not touched where it is as it should be", async () => {
    await add("web");
    const before = statSync(file.path);
    await add("web");
    await editBook(file, () => undefined, { paths: test.paths, signal: new AbortController().signal });
    expect(statSync(file.path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  it("is kept as it is when it is damaged", async () => {
    mkdirSync(join(folder, "deep/er"), { recursive: true });
    writeFileSync(file.path, '{"Connection": tru');
    await expect(add("web")).rejects.toMatchObject({ code: "bad-config" });
    expect(readFileSync(file.path, "utf8")).toBe('{"Connection": tru');
  });

  it("loses nothing of those who change it at the same time", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
    await Promise.all(names.map((name) => add(name)));
    expect(Object.keys((await readBook(file)).connections).sort()).toEqual([...names].sort());
  });

  it("is a containers.conf for podman 4", async () => {
    const conf: BookFile = { path: join(folder, "containers.conf"), format: "conf" };
    writeFileSync(conf.path, "# mine\n");
    await add("web", conf);
    expect(readFileSync(conf.path, "utf8")).toBe('# mine\n\n[engine.service_destinations.web]\nuri = "ssh://web"\n\n[engine]\nactive_service = "web"\n');
  });

  it("is left to a podman that holds its lock, and what that wrote is kept", async () => {
    mkdirSync(join(folder, "deep/er"), { recursive: true });
    writeFileSync(file.path, "{}");
    const podman = await holdFcntlLock(`${file.path}.lock`);
    const done = add("web");
    await expect(Promise.race([done.then(() => "changed"), new Promise((later) => setTimeout(later, 200, "waits"))])).resolves.toBe("waits");
    writeFileSync(file.path, '{"Connection":{"Default":"theirs","Connections":{"theirs":{"URI":"ssh://theirs"}}}}');
    await podman.release();
    await done;
    expect(await readBook(file)).toEqual({ default: "theirs", connections: { theirs: { uri: "ssh://theirs" }, web: { uri: "ssh://web" } } });
  });
});

describe("podman's lock", () => {
  it("is waited for as long as is said, and the one who waits can be stopped", async () => {
    const path = join(folder, "x");
    const podman = await holdFcntlLock(`${path}.lock`);
    try {
      await expect(whileUnlocked(path, async () => "in", { timeoutMs: 50 })).rejects.toMatchObject({ code: "busy", message: `another program holds ${path}.lock` });
      await expect(whileUnlocked(path, async () => "in", { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    } finally {
      await podman.release();
    }
    expect(await whileUnlocked(path, async (lock) => lock.isFree())).toBe(true);
  });

  it("is seen to be taken while we work", async () => {
    const path = join(folder, "x");
    const seen = await whileUnlocked(path, async (lock) => {
      const before = lock.isFree();
      const podman = await holdFcntlLock(`${path}.lock`);
      const during = lock.isFree();
      await podman.release();
      return [before, during, lock.isFree()];
    });
    expect(seen).toEqual([true, false, true]);
  });

  it("is told from other locks and from those who wait", () => {
    const text = "1: POSIX  ADVISORY  WRITE 12 fe:00:77 0 EOF\n1: -> POSIX  ADVISORY  WRITE 13 fe:00:78 0 EOF\n2: FLOCK  ADVISORY  WRITE 14 fe:00:79 0 EOF\n3: OFDLCK ADVISORY  READ -1 00:2a:80 0 EOF\n";
    expect([77, 78, 79, 80, 7].map((inode) => tellsOfLock(text, inode))).toEqual([true, false, false, true, false]);
  });
});
