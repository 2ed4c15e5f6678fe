import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPodmanMachine, readPodmanMachine } from "../../../core/import/podman-machine.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";

/** As podman 4.3.1 wrote it, but for what nobody reads. */
const four = {
  ConfigPath: { Path: "/c/qemu/old.json" }, CmdLine: ["/usr/bin/qemu-system-x86_64", "-m", "512"], Rootful: false, UID: 12345,
  IgnitionFilePath: { Path: "/c/qemu/old.ign" }, ImageStream: "custom", ImagePath: { Path: "/d/qemu/d.qcow2" },
  Mounts: [{ ReadOnly: false, Source: "/home/me", Tag: "vol0", Target: "/home/me", Type: "9p" }], Name: "old",
  QMPMonitor: { Address: { Path: "/r/podman/qmp_old.sock" }, Network: "unix", Timeout: 2_000_000_000 }, CPUs: 1, DiskSize: 1, Memory: 512, IdentityPath: "/home/me/.ssh/old", Port: 39003,
  RemoteUsername: "core", Starting: false, Created: "2026-11-28T19:56:59.01224887Z", LastUp: "2026-11-28T19:56:59.01224887Z",
};
/** podman 5's fields, as pkg/machine/vmconfigs/config.go has them. */
const five = {
  Created: "2026-01-02T03:04:05Z", LastUp: "2026-02-02T03:04:05Z", HostUser: { Rootful: true, UID: 1000, HostUserModified: false }, Name: "web", Version: 1, Swap: 0,
  Mounts: [{ OriginalInput: "/a:/b:ro", ReadOnly: true, Source: "/a", Tag: "x", Target: "/b", Type: "virtiofs" }], Resources: { CPUs: 4, DiskSize: 100, Memory: 2048, USBs: [] },
  SSH: { IdentityPath: "/d/machine", Port: 40022, RemoteUsername: "core" }, ImagePath: { Path: "/d/qemu/web-amd64.qcow2" }, QEMUHypervisor: { QMPMonitor: {} }, Starting: false,
};
const read = (record: object) => readPodmanMachine(JSON.stringify(record), "qemu", "/c/qemu/x.json");

describe("a record of podman machine", () => {
  it("of podman 4 is understood", () => {
    expect(read(four)).toEqual({
      name: "old", provider: "qemu", record: "/c/qemu/x.json", cpus: 1, memory: 512, disk: 1, image: "/d/qemu/d.qcow2", ignition: "/c/qemu/x.ign",
      ssh: { port: 39003, user: "core", uid: 12345, keyFile: "/home/me/.ssh/old" }, rootful: false, volumes: [{ source: "/home/me", target: "/home/me", readOnly: false }],
    });
  });

  it("of podman 5 is understood", () => {
    expect(read(five)).toEqual({
      name: "web", provider: "qemu", record: "/c/qemu/x.json", cpus: 4, memory: 2048, disk: 100, image: "/d/qemu/web-amd64.qcow2", ignition: "/c/qemu/x.ign",
      ssh: { port: 40022, user: "core", uid: 1000, keyFile: "/d/machine" }, rootful: true, volumes: [{ source: "/a", target: "/b", readOnly: true }], lastUp: "2026-02-02T03:04:05Z",
    });
  });

  it("tells of one that never ran, in either version's way", () => {
    expect(read({ ...five, LastUp: "0001-01-01T00:00:00Z" }).lastUp).toBeUndefined();
    expect(read({ ...four, LastUp: "2026-11-29T00:00:00Z" }).lastUp).toBe("2026-11-29T00:00:00Z");
  });

  it("is refused with everything that is wrong in it", () => {
    expect(() => read({ ...four, CPUs: 0, IdentityPath: 5 })).toThrow(expect.objectContaining({
      code: "bad-config", message: "podman's record /c/qemu/x.json cannot be read: Resources.CPUs: expected a whole number", details: ["Resources.CPUs: expected a whole number", "SSH.IdentityPath: expected a text"],
    }));
    expect(() => readPodmanMachine("", "qemu", "/x.json")).toThrow("podman's record /x.json cannot be read: expected an object, found nothing");
  });
});

describe("podman's machines", () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = makeTestFolder();
  });
  afterEach(() => folder.remove());

  it("are found under whatever provider, and those that are there are named", () => {
    const place = folder.paths.podman.machineConfig;
    expect(() => findPodmanMachine("old", folder.paths)).toThrow(expect.objectContaining({ code: "no-machine", hint: `There is none at all in ${place}.` }));
    mkdirSync(join(place, "applehv"), { recursive: true });
    writeFileSync(join(place, "applehv/web.json"), JSON.stringify(five));
    writeFileSync(join(place, "applehv/web.lock"), "");
    expect(findPodmanMachine("web", folder.paths)).toMatchObject({ name: "web", provider: "applehv" });
    expect(() => findPodmanMachine("wbe", folder.paths)).toThrow(expect.objectContaining({ message: expect.stringContaining('no machine "wbe"') as string, hint: "It has web." }));
  });
});
