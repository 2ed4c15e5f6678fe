import { chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { filesOfKeptDisk, keptAccess, writeAccess } from "../../core/kept-access.ts";
import { makeKeyPair } from "../../core/keys.ts";
import type { MachineRecord } from "../../core/record.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";

const { privateKey, publicKey } = makeKeyPair("glowplug web");
/** A derived one has no comment. */
const keys = { privateKey, publicKey: publicKey.split(" ").slice(0, 2).join(" ") };
const { publicKey: hostKey } = makeKeyPair("host of web");
let folder: TestFolder;
let record: MachineRecord;
const files = () => folder.paths.machine("web");
const access = (path = files().disk, user = "worker") => keptAccess({ kind: "local", title: "disk", path }, user, { cwd: folder.path });

beforeEach(() => {
  folder = makeTestFolder();
  mkdirSync(files().data, { recursive: true });
  for (const [path, text] of [[files().disk, "disk"], [files().key, keys.privateKey], [files().publicKey, `${publicKey}\n`]] as const) writeFileSync(path, text);
  const sample = sampleRecord(folder.paths, "web");
  record = { ...sample, lastUp: "2026-01-01T00:00:00Z", firstBoot: "ignition", ssh: { ...sample.ssh, user: "worker", uid: 1234, hostKey } };
});
afterEach(() => folder.remove());

it("who the guest of a kept disk lets in is read from beside the disk, by any way to it", async () => {
  await writeAccess(record, files());
  expect(await access()).toEqual({ user: "worker", uid: 1234, hostKey, readyByLogin: false, keys });
  symlinkSync(files().disk, join(folder.path, "link.qcow2"));
  expect(await access("link.qcow2")).toEqual(await access());
});

it("a guest that was made elsewhere keeps what is not known of it", async () => {
  await writeAccess({ ...record, readyByLogin: true, ssh: { ...record.ssh, hostKey: "" } }, files());
  expect(await access()).toEqual({ user: "worker", uid: 1234, hostKey: "", readyByLogin: true, keys });
});

it("a first start that failed may have had its first boot, and so has a machine that was made of a kept disk", async () => {
  mkdirSync(files().logs);
  writeFileSync(files().log("serial"), "");
  await writeAccess({ ...record, lastUp: null }, files());
  expect(await access()).toMatchObject({ user: "worker" });
  rmSync(files().log("serial"));
  await writeAccess({ ...record, lastUp: null, ssh: { ...record.ssh, uid: 5 } }, files());
  expect(await access()).toMatchObject({ uid: 5 });
});

it("a disk that is of no machine, or never ran, or has a first boot for each machine, says nothing", async () => {
  expect(await access()).toBeUndefined();
  await writeAccess({ ...record, lastUp: null }, files());
  await writeAccess({ ...record, firstBoot: "cloud-init" }, files());
  expect(await access()).toBeUndefined();
  await writeAccess(record, files());
  expect(await keptAccess({ kind: "fetch", title: "disk", url: "https://disk.test/disk", digest: "waived", format: "qcow2", compression: "none" }, "worker", { cwd: folder.path })).toBeUndefined();
  expect(await access("/nowhere/disk.qcow2")).toBeUndefined();
});

it("another user than the guest's is refused", async () => {
  await writeAccess(record, files());
  await expect(access(undefined, "core")).rejects.toMatchObject({ code: "bad-spec", message: `the guest of ${files().disk} has had its first boot: its user is worker, and core was asked for`, hint: "Say `--username worker`." });
});

it.each<[string, () => void]>([
  ["its key is gone", () => rmSync(files().key)],
  ["its key is cut", () => writeFileSync(files().key, privateKey.slice(0, 200))],
  ["its key is a public one", () => writeFileSync(files().key, publicKey)],
  ["it is no JSON", () => writeFileSync(files().access, "{")],
  ["it is of another version", () => writeFileSync(files().access, JSON.stringify({ version: 2, user: "worker", uid: 1, hostKey }))],
  ["its host key is none", () => writeFileSync(files().access, JSON.stringify({ version: 1, user: "worker", uid: 1, hostKey: "mine" }))],
])("what lies beside a disk is told to be damaged where %s", async (_, damage) => {
  await writeAccess(record, files());
  damage();
  await expect(access()).rejects.toMatchObject({ code: "bad-image", message: `${files().disk} was a machine's disk, and its guest lets in one key alone; access.json or id_ed25519 beside it is missing or damaged` });
});

it("what somebody else has put beside a disk is refused", async () => {
  await writeAccess(record, files());
  chownSync(files().access, 4321, 4321);
  await expect(access()).rejects.toMatchObject({ code: "bad-image", message: `${files().access} belongs to user 4321, who could say with it whom you let in` });
});

it("a kept disk takes with it what lets one in", () => {
  expect(filesOfKeptDisk(files())).toEqual([files().disk, files().access, files().key, files().publicKey]);
});
