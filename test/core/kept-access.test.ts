import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { filesOfKeptDisk, keptAccess, writeAccess } from "../../core/kept-access.ts";
import { makeKeyPair } from "../../core/keys.ts";
import type { MachineRecord } from "../../core/record.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";

const keys = makeKeyPair("glowplug web");
const { publicKey: hostKey } = makeKeyPair("host of web");
let folder: TestFolder;
let record: MachineRecord;
const files = () => folder.paths.machine("web");
const access = (path = files().disk, user = "worker") => keptAccess({ kind: "local", title: "disk", path }, user, { cwd: folder.path });

beforeEach(() => {
  folder = makeTestFolder();
  mkdirSync(files().data, { recursive: true });
  for (const [path, text] of [[files().disk, "disk"], [files().key, keys.privateKey], [files().publicKey, `${keys.publicKey}\n`]] as const) writeFileSync(path, text);
  const sample = sampleRecord(folder.paths, "web");
  record = { ...sample, lastUp: "2026-01-01T00:00:00Z", firstBoot: "ignition", ssh: { ...sample.ssh, user: "worker", uid: 1234, hostKey } };
});
afterEach(() => folder.remove());

it("who the guest of a kept disk lets in is read from beside the disk, by any way to it", async () => {
  await writeAccess(record, files());
  expect(access()).toEqual({ user: "worker", uid: 1234, hostKey, keys });
  symlinkSync(files().disk, join(folder.path, "link.qcow2"));
  expect(access("link.qcow2")).toEqual(access());
});

it("a disk that is of no machine, or never ran, or has a first boot for each machine, says nothing", async () => {
  expect(access()).toBeUndefined();
  await writeAccess({ ...record, lastUp: null }, files());
  await writeAccess({ ...record, firstBoot: "cloud-init" }, files());
  expect(access()).toBeUndefined();
  await writeAccess(record, files());
  expect(keptAccess({ kind: "fetch", title: "disk", url: "https://disk.test/disk", digest: "waived", format: "qcow2", compression: "none" }, "worker", { cwd: folder.path })).toBeUndefined();
  expect(access("/nowhere/disk.qcow2")).toBeUndefined();
});

it("another user than the guest's is refused", async () => {
  await writeAccess(record, files());
  expect(() => access(undefined, "core")).toThrow(expect.objectContaining({ code: "bad-spec", message: `the guest of ${files().disk} has had its first boot: its user is worker, and core was asked for`, hint: "Say `--username worker`." }));
});

it.each<[string, () => void]>([
  ["its key is gone", () => rmSync(files().key)],
  ["its public key is none", () => writeFileSync(files().publicKey, "ssh-ed25519 AAAA")],
  ["it is no JSON", () => writeFileSync(files().access, "{")],
  ["it is of another version", () => writeFileSync(files().access, JSON.stringify({ version: 2, user: "worker", uid: 1, hostKey }))],
  ["its host key is none", () => writeFileSync(files().access, JSON.stringify({ version: 1, user: "worker", uid: 1, hostKey: "mine" }))],
])("what lies beside a disk is told to be damaged where %s", async (_, damage) => {
  await writeAccess(record, files());
  damage();
  expect(() => access()).toThrow(expect.objectContaining({ code: "bad-image", message: `${files().disk} was a machine's disk, and its guest lets in one key alone; access.json, id_ed25519 or id_ed25519.pub beside it is missing or damaged` }));
});

it("a kept disk takes with it what lets one in", () => {
  expect(filesOfKeptDisk(files())).toEqual([files().disk, files().access, files().key, files().publicKey]);
});
