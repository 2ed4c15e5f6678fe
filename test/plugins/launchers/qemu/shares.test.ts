import { describe, expect, it } from "vitest";
import type { BootInput } from "glowplug";
import { findVirtiofsd, planShares, shareTag } from "../../../../plugins/launchers/qemu/shares.ts";
import { hostOf, type HostParts } from "../../../fixtures/hosts.ts";
import { bootInput } from "./boot-input.ts";

const rust = "/usr/libexec/virtiofsd";
const c = "/usr/lib/qemu/virtiofsd";
const rustAnswer = { [rust]: { stdout: "virtiofsd 1.13.2\n" } };
const cAnswer = { [c]: { stdout: "virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7)\nusing FUSE kernel interface version 7.36\n" } };
const host = (parts: HostParts) => hostOf("linux/amd64", parts);
const shares: BootInput["shares"] = [{ source: "/home/me/a,b", target: "/home/me/a,b", readOnly: false }, { source: "/srv", target: "/mnt/srv", readOnly: true }];
const tags = shares.map(({ target }) => shareTag(target));

describe("looking for virtiofsd", () => {
  it("finds the one that is developed, out of PATH", async () => {
    expect(await findVirtiofsd(host({ files: [rust], answers: rustAnswer }))).toEqual({ program: rust, kind: "rust", version: "1.13.2" });
  });

  it("takes the one of QEMU 7.2 for root alone, since it runs for nobody else", async () => {
    expect(await findVirtiofsd(host({ files: [c], answers: cAnswer, uid: 0 }))).toEqual({ program: c, kind: "c", version: "7.2.22" });
    expect(await findVirtiofsd(host({ files: [c], answers: cAnswer, uid: 1000 }))).toBeUndefined();
  });

  it("passes over one that does not run", async () => {
    expect(await findVirtiofsd(host({ files: [rust], answers: { [rust]: { exitCode: 1, stderr: "GLIBC_2.39 not found" } } }))).toBeUndefined();
  });

  it("finds none on macOS", async () => expect(await findVirtiofsd(hostOf("darwin/arm64", { files: [rust] }))).toBeUndefined());
});

describe("shared folders", () => {
  it("go over virtiofs with a daemon each", () => {
    const plan = planShares(bootInput("linux/amd64", { shares }), { program: rust, kind: "rust", version: "1.13.2" });
    expect(plan.helpers.map(({ command, listens }) => [command.name, command.toString(), listens])).toEqual([
      ["virtiofsd 0", "/usr/libexec/virtiofsd --socket-path /run/user/1000/glowplug/web/share0.sock --shared-dir /home/me/a,b --sandbox none", ["/run/user/1000/glowplug/web/share0.sock"]],
      ["virtiofsd 1", "/usr/libexec/virtiofsd --socket-path /run/user/1000/glowplug/web/share1.sock --shared-dir /srv --sandbox none --readonly", ["/run/user/1000/glowplug/web/share1.sock"]],
    ]);
    expect(plan.flags).toEqual([
      ["-chardev", "socket,id=share0,path=/run/user/1000/glowplug/web/share0.sock"], ["-device", `vhost-user-fs-pci,queue-size=1024,chardev=share0,tag=${tags[0]}`],
      ["-chardev", "socket,id=share1,path=/run/user/1000/glowplug/web/share1.sock"], ["-device", `vhost-user-fs-pci,queue-size=1024,chardev=share1,tag=${tags[1]}`],
    ]);
    expect(plan).toMatchObject({ sharedMemory: true, notes: [], mounts: [{ kind: "virtiofs", tag: tags[0] }, { kind: "virtiofs", tag: tags[1] }] });
  });

  it("are fenced in for root", () => {
    const input = bootInput("linux/amd64", { shares, host: { ...bootInput("linux/amd64").host, uid: 0 } });
    expect(planShares(input, { program: rust, kind: "rust", version: "1.6.0" }).helpers[0]?.command.toArgv()).toEqual([
      "--socket-path", "/run/user/1000/glowplug/web/share0.sock", "--shared-dir", "/home/me/a,b", "--sandbox", "namespace",
    ]);
    expect(planShares(input, { program: c, kind: "c", version: "7.2.22" }).helpers[0]?.command.toArgv()).toEqual([
      "--socket-path=/run/user/1000/glowplug/web/share0.sock", "-o", "source=/home/me/a\\,b,sandbox=namespace",
    ]);
  });

  it("that are read-only by the guest's mount alone are told of", () => {
    expect(planShares(bootInput("linux/amd64", { shares }), { program: rust, kind: "rust", version: "1.6.0" }).notes).toEqual(["Read-only volumes are so by the guest's mount alone: virtiofsd 1.13 can do better."]);
  });

  it("go over 9p without virtiofsd, and the user is told on Linux", () => {
    const plan = planShares(bootInput("linux/amd64", { shares }), undefined);
    expect(plan).toMatchObject({ helpers: [], sharedMemory: false, notes: ["Volumes go over 9p, which is slow: install virtiofsd for virtiofs."] });
    expect(plan.mounts.map(({ kind }) => kind)).toEqual(["9p", "9p"]);
    expect(plan.flags).toEqual([
      ["-fsdev", "local,id=share0,path=/home/me/a,,b,security_model=none,multidevs=remap"], ["-device", `virtio-9p-pci,fsdev=share0,mount_tag=${tags[0]}`],
      ["-fsdev", "local,id=share1,path=/srv,security_model=none,multidevs=remap,readonly=on"], ["-device", `virtio-9p-pci,fsdev=share1,mount_tag=${tags[1]}`],
    ]);
    expect(planShares(bootInput("darwin/arm64", { shares }), undefined).notes).toEqual([]);
  });

  it("have a tag that follows from the target, short enough for 9p", () => {
    expect(shareTag("/srv")).toBe(shareTag("/srv"));
    expect(shareTag("/srv")).not.toBe(shareTag("/srv2"));
    expect(shareTag("/srv").length).toBeLessThanOrEqual(31);
  });

  it("are none without volumes", () => {
    expect(planShares(bootInput("linux/amd64"), { program: rust, kind: "rust" })).toEqual({ mounts: [], helpers: [], flags: [], sharedMemory: false, notes: [] });
  });
});
