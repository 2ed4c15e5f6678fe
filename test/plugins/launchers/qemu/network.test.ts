import { describe, expect, it } from "vitest";
import type { NetLink } from "glowplug";
import { lanFlags, networkFlags } from "../../../../plugins/launchers/qemu/network.ts";

const stream: NetLink = { kind: "unix-stream", path: "/run/a,b/vm.sock", mac: "5a:94:ef:e4:0c:ee" };
const pc = { bus: "pci.0", addr: "0x3", hotplug: true };
const virt = { bus: "pcie.0", addr: "0x3", rootPort: true, hotplug: true };
const q35 = { bus: "pcie.0", addr: "0x3", hotplug: false };

describe("a stream to the forwarder", () => {
  it("is plugged anew under QEMU 7.2, which cannot reconnect", () => {
    expect(networkFlags(stream, pc, "7.2.22")).toEqual({
      netdev: "stream,id=net0,server=off,addr.type=unix,addr.path=/run/a,,b/vm.sock",
      devices: ["virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,bus=pci.0,addr=0x3,romfile="],
      replug: [
        { execute: "device_del", arguments: { id: "nic0" }, awaitEvent: { name: "DEVICE_DELETED", data: { device: "nic0" } } },
        { execute: "netdev_del", arguments: { id: "net0" } },
        { execute: "netdev_add", arguments: { type: "stream", id: "net0", server: false, addr: { type: "unix", path: "/run/a,b/vm.sock" } } },
        { execute: "device_add", arguments: { driver: "virtio-net-pci", netdev: "net0", id: "nic0", mac: "5a:94:ef:e4:0c:ee", bus: "pci.0", addr: "0x3", romfile: "" } },
      ],
      notes: [],
    });
  });

  it("is plugged anew behind a root port on PCI Express", () => {
    const { devices, replug } = networkFlags(stream, virt, "7.2.22");
    expect(devices).toEqual(["pcie-root-port,id=nicport,bus=pcie.0,addr=0x3,chassis=1", "virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,bus=nicport,romfile="]);
    expect(replug?.at(-1)).toEqual({ execute: "device_add", arguments: { driver: "virtio-net-pci", netdev: "net0", id: "nic0", mac: "5a:94:ef:e4:0c:ee", bus: "nicport", romfile: "" } });
  });

  it("says so where that cannot be done either", () => {
    expect(networkFlags(stream, q35, "7.2.22")).toMatchObject({ notes: [expect.stringContaining("QEMU 7.2.22 cannot reconnect") as string] });
    expect(networkFlags(stream, q35, "7.2.22").replug).toBeUndefined();
  });

  it.each([["8.0.0", "reconnect=1"], ["9.1.3", "reconnect=1"], ["9.2.0", "reconnect-ms=500"], ["10.0.2", "reconnect-ms=500"], [undefined, "reconnect-ms=500"]])("reconnects by itself under QEMU %s", (version, property) => {
    const flags = networkFlags(stream, virt, version);
    expect(flags).toEqual({ devices: expect.any(Array) as string[], notes: [], netdev: `stream,id=net0,server=off,addr.type=unix,addr.path=/run/a,,b/vm.sock,${property}` });
  });

  it("needs a path that fits into a socket address", () => {
    expect(() => networkFlags({ ...stream, path: `/${"a".repeat(110)}` }, pc, "7.2.0")).toThrowError(expect.objectContaining({ code: "host-limits" }));
  });
});

describe("the card on the shared network", () => {
  const lan: NetLink = { kind: "unix-stream", path: "/run/lan.sock", mac: "02:00:00:00:00:0a" };

  it("sits beside the first, under names of its own, and is plugged anew as that is", () => {
    const flags = lanFlags(lan, pc, "7.2.22");
    expect([flags.netdev, flags.devices]).toEqual(["stream,id=net1,server=off,addr.type=unix,addr.path=/run/lan.sock", ["virtio-net-pci,netdev=net1,id=nic1,mac=02:00:00:00:00:0a,bus=pci.0,addr=0x4,romfile="]]);
    expect(flags.replug?.map(({ execute, arguments: its }) => `${execute} ${String(its?.["id"])}`)).toEqual(["device_del nic1", "netdev_del net1", "netdev_add net1", "device_add nic1"]);
  });

  it("has a root port of its own on PCI Express", () => {
    expect(lanFlags(lan, virt, "10.0.0").devices).toEqual(["pcie-root-port,id=lanport,bus=pcie.0,addr=0x4,chassis=2", "virtio-net-pci,netdev=net1,id=nic1,mac=02:00:00:00:00:0a,bus=lanport,romfile="]);
  });
});

it("user networking carries its forwards", () => {
  const link: NetLink = { kind: "user", mac: "52:54:00:12:34:56", forwards: [
    { host: "127.0.0.1", hostPort: 40022, guestPort: 22, protocol: "tcp" }, { host: "0.0.0.0", hostPort: 5353, guestPort: 53, protocol: "udp" },
  ] };
  expect(networkFlags(link, pc, "7.2.22")).toEqual({
    netdev: "user,id=net0,hostfwd=tcp:127.0.0.1:40022-:22,hostfwd=udp:0.0.0.0:5353-:53",
    devices: ["virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:12:34:56,bus=pci.0,addr=0x3,romfile="], notes: [],
  });
});

it("a link of vfkit's kind is refused", () => {
  expect(() => networkFlags({ ...stream, kind: "unix-dgram" }, pc, "7.2.22")).toThrowError(expect.objectContaining({ code: "slots-mismatch", message: "qemu cannot use a link of the kind unix-dgram" }));
});

it("a card on an unknown machine type sits where QEMU puts it", () => {
  expect(networkFlags(stream, { hotplug: false }, "10.0.0").devices).toEqual(["virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,romfile="]);
});
