import { describe, expect, it } from "vitest";
import { shareTag, type BootInput } from "glowplug";
import { planShares } from "../../../../plugins/launchers/qemu/shares.ts";
import type { Virtiofsd } from "../../../../plugins/launchers/qemu/virtiofsd.ts";
import { bootInput } from "./boot-input.ts";

const modern: Virtiofsd = { program: "/usr/libexec/virtiofsd", kind: "rust", version: "1.13.2" };
const old: Virtiofsd = { ...modern, version: "1.10.0" };
const rootBus = { bus: "pci.0" };
const shares: BootInput["shares"] = [{ source: "/home/me/a,b", target: "/home/me/a,b", readOnly: false }, { source: "/srv", target: "/mnt/srv", readOnly: true }];
const [writable = "", readOnly = ""] = shares.map(({ target }) => shareTag(target));
const socket = (tag: string) => `/run/user/1000/glowplug/web/${tag}.sock`;
const map = "--translate-uid squash-guest:0:1000:4294967295 --translate-gid squash-guest:0:1000:4294967295";

describe("shared folders", () => {
  it("go over virtiofs with a daemon each", () => {
    const plan = planShares(bootInput("linux/amd64", { shares }), modern, rootBus);
    expect(plan.helpers.map(({ command, listens }) => [command.name, command.toString(), listens])).toEqual([
      ["virtiofsd /home/me/a,b", `/usr/libexec/virtiofsd --socket-path ${socket(writable)} --shared-dir /home/me/a,b --sandbox none ${map}`, [socket(writable)]],
      ["virtiofsd /mnt/srv", `/usr/libexec/virtiofsd --socket-path ${socket(readOnly)} --shared-dir /srv --sandbox none ${map} --readonly`, [socket(readOnly)]],
    ]);
    expect(plan.flags).toEqual([writable, readOnly].flatMap((tag) => [
      ["-chardev", `socket,id=${tag},path=${socket(tag)}`], ["-device", `vhost-user-fs-pci,id=${tag}-device,queue-size=1024,chardev=${tag},tag=${tag}`],
    ]));
    expect(plan).toMatchObject({ sharedMemory: true, notes: [], mounts: [{ kind: "virtiofs", tag: writable }, { kind: "virtiofs", tag: readOnly }] });
  });

  it("sit behind a root port each on PCI Express, as far as those go; only there can they be unplugged", () => {
    const plan = planShares(bootInput("linux/arm64", { shares }), modern, { ports: ["one"] });
    expect(plan.flags.map(([, value]) => value).filter((value) => !value.startsWith("socket"))).toEqual([
      "pcie-root-port,id=one,bus=pcie.0,chassis=10", `vhost-user-fs-pci,id=${writable}-device,queue-size=1024,chardev=${writable},tag=${writable},bus=one`,
      `vhost-user-fs-pci,id=${readOnly}-device,queue-size=1024,chardev=${readOnly},tag=${readOnly}`,
    ]);
    expect(plan.mounts.map(({ slot }) => slot)).toEqual(["one", undefined]);
    expect(plan.hot).toMatchObject({ slots: ["one"], add: [{}, { arguments: { bus: "{slot}" } }] });
  });

  it("that an older virtiofsd cannot hold read-only go over 9p, which QEMU holds, and the user is told", () => {
    const plan = planShares(bootInput("linux/amd64", { shares }), old, rootBus);
    expect(plan.mounts.map(({ kind }) => kind)).toEqual(["virtiofs", "9p"]);
    expect(plan.flags.slice(2)).toEqual([
      ["-fsdev", `local,id=${readOnly},path=/srv,security_model=none,multidevs=remap,readonly=on`], ["-device", `virtio-9p-pci,id=${readOnly}-device,fsdev=${readOnly},mount_tag=${readOnly}`],
    ]);
    expect(plan.hot).not.toHaveProperty("readOnly");
    expect(plan.notes).toEqual(["Read-only volumes go over 9p, which is slow: /usr/libexec/virtiofsd (1.10.0) holds none so, virtiofsd 1.13 can."]);
  });

  it("whose owners root's virtiofsd cannot map are told of", () => {
    const input = bootInput("linux/amd64", { shares: shares.slice(0, 1), host: { ...bootInput("linux/amd64").host, uid: 0, gid: 0 } });
    const sentence = "Files that the guest's user makes in volumes belong to user 1000 here, and he cannot write into root's folders";
    expect(planShares(input, { program: "/usr/lib/qemu/virtiofsd", kind: "c", version: "7.2.22" }, rootBus).notes).toEqual([`${sentence}: /usr/lib/qemu/virtiofsd (7.2.22) maps no owners, virtiofsd 1.13 can.`]);
    expect(planShares(input, modern, rootBus).notes).toEqual([]);
  });

  it("go over 9p without virtiofsd, and the user is told on Linux", () => {
    const plan = planShares(bootInput("linux/amd64", { shares }), undefined, rootBus);
    expect(plan).toMatchObject({ helpers: [], sharedMemory: false, notes: ["Volumes go over 9p, which is slow: install virtiofsd for virtiofs."] });
    expect(plan).not.toHaveProperty("hot");
    expect(plan.mounts.map(({ kind }) => kind)).toEqual(["9p", "9p"]);
    expect(plan.flags.slice(0, 2)).toEqual([
      ["-fsdev", `local,id=${writable},path=/home/me/a,,b,security_model=none,multidevs=remap`], ["-device", `virtio-9p-pci,id=${writable}-device,fsdev=${writable},mount_tag=${writable}`],
    ]);
    expect(planShares(bootInput("darwin/arm64", { shares }), undefined, rootBus).notes).toEqual([]);
  });

  it("can come and go while the VM runs, also where there are none at the start", () => {
    const { hot, ...rest } = planShares(bootInput("linux/amd64"), modern, rootBus);
    expect(rest).toEqual({ mounts: [], helpers: [], flags: [], sharedMemory: true, notes: [] });
    expect(hot).toEqual({
      kind: "virtiofs", socket: socket("{tag}"),
      writable: { program: modern.program, name: "virtiofsd {target}", argv: ["--socket-path", socket("{tag}"), "--shared-dir", "{source}", "--sandbox", "none", ...map.split(" ")] },
      readOnly: { program: modern.program, name: "virtiofsd {target}", argv: ["--socket-path", socket("{tag}"), "--shared-dir", "{source}", "--sandbox", "none", ...map.split(" "), "--readonly"] },
      add: [
        { execute: "chardev-add", arguments: { id: "{tag}", backend: { type: "socket", data: { addr: { type: "unix", data: { path: socket("{tag}") } }, server: false } } } },
        { execute: "device_add", arguments: { driver: "vhost-user-fs-pci", id: "{tag}-device", "queue-size": 1024, chardev: "{tag}", tag: "{tag}", bus: "pci.0" } },
      ],
      remove: [
        { execute: "device_del", arguments: { id: "{tag}-device" }, awaitEvent: { name: "DEVICE_DELETED", data: { device: "{tag}-device" } } },
        { execute: "chardev-remove", arguments: { id: "{tag}" } },
      ],
    });
  });

  it("cannot come later on a machine type without a place for them", () => {
    expect(planShares(bootInput("linux/amd64"), modern, undefined)).not.toHaveProperty("hot");
  });
});
