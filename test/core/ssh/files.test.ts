import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { GuestFiles } from "../../../core/ssh.ts";
import { guestWithLogin, scratchFolder } from "../../fixtures/login.ts";

/** The guest's files, and the folder of this machine that they are. */
async function opened(): Promise<{ files: GuestFiles; root: string; host: string }> {
  const root = scratchFolder();
  const connection = await (await guestWithLogin({ files: root })).connect();
  return { files: await connection.sftp(), root, host: scratchFolder() };
}

it("copies a file into the guest and out again, and tells how far it is", async () => {
  const { files, root, host } = await opened();
  const bytes = Buffer.alloc(3_000_000, "0123456789");
  writeFileSync(join(host, "in"), bytes);
  const steps: [number, number][] = [];
  await files.put(join(host, "in"), "/there", { mode: 0o640, step: (done, total) => steps.push([done, total]) });
  expect(readFileSync(join(root, "there")).equals(bytes)).toBe(true);
  expect((statSync(join(root, "there")).mode & 0o777).toString(8)).toBe("640");
  expect(steps.at(-1)).toEqual([3_000_000, 3_000_000]);
  await files.get("/there", join(host, "out"));
  expect(readFileSync(join(host, "out")).equals(bytes)).toBe(true);
});

it("copies an empty file", async () => {
  const { files, root, host } = await opened();
  writeFileSync(join(host, "empty"), "");
  await files.put(join(host, "empty"), "/empty");
  expect(statSync(join(root, "empty")).size).toBe(0);
});

it("lists a folder with what is known of each entry", async () => {
  const { files, root } = await opened();
  mkdirSync(join(root, "etc"), { mode: 0o755 });
  writeFileSync(join(root, "etc/passwd"), "root", { mode: 0o644 });
  mkdirSync(join(root, "etc/ssh"), { mode: 0o700 });
  symlinkSync("passwd", join(root, "etc/link"));
  const entries = [...(await files.readdir("/etc"))].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, kind, mode }) => ({ name, kind, mode: mode.toString(8) }));
  expect(entries).toEqual([{ name: "link", kind: "link", mode: "777" }, { name: "passwd", kind: "file", mode: "644" }, { name: "ssh", kind: "folder", mode: "700" }]);
  expect(await files.stat("/etc/link")).toMatchObject({ kind: "file", size: 4 });
  expect(await files.lstat("/etc/link")).toMatchObject({ kind: "link" });
  expect(await files.readlink("/etc/link")).toBe("passwd");
});

it("makes folders, modes, times and links, and removes", async () => {
  const { files, root } = await opened();
  await files.mkdir("/made", 0o750);
  writeFileSync(join(root, "made/file"), "");
  await files.chmod("/made/file", 0o600);
  await files.utimes("/made/file", 1_000_000_000, 1_100_000_000);
  expect(await files.stat("/made/file")).toEqual({ kind: "file", mode: 0o600, size: 0, modified: 1_100_000_000 });
  expect(await files.realpath("/made/../made")).toBe("/made");
  await files.remove("/made/file");
  await expect(files.stat("/made/file")).rejects.toMatchObject({ code: "not-found", message: "the guest has no /made/file" });
});

it("fails what is asked of it after the connection is lost", async () => {
  const { connect, guest } = await guestWithLogin({ files: scratchFolder() });
  const connection = await connect();
  const files = await connection.sftp();
  guest.drop();
  await expect(files.stat("/")).rejects.toMatchObject({ code: "ssh" });
});

it("is refused by a guest without SFTP", async () => {
  const connection = await (await guestWithLogin()).connect();
  await expect(connection.sftp()).rejects.toMatchObject({ code: "ssh", message: expect.stringContaining("cannot open sftp") });
});
