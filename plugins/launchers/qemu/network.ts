import { MachineError, socketPath, type NetLink, type QmpStep, type ResolvedPort } from "glowplug";
import { isAtLeast, type NicSlot } from "./machine-types.ts";
import { optionText } from "./option-text.ts";

/** What one card is called in the monitor. */
interface CardNames {
  readonly net: string;
  readonly nic: string;
  /** Its root port on PCI Express, and that port's number. */
  readonly port: string;
  readonly chassis: number;
}
/** The card that the forwarder serves. */
const main: CardNames = { net: "net0", nic: "nic0", port: "nicport", chassis: 1 };
/** The card on the network that the machines of one config share. */
const shared: CardNames = { net: "net1", nic: "nic1", port: "lanport", chassis: 2 };

export interface NetworkFlags {
  /** Value of -netdev. */
  readonly netdev: string;
  /** Values of -device, in order. */
  readonly devices: readonly string[];
  /** How the card is plugged anew after the forwarder was replaced. */
  readonly replug?: readonly QmpStep[];
  readonly notes: readonly string[];
}

/**
 * The network card and its link.
 * A forwarder that was replaced has a new socket. QEMU 9.2 takes `reconnect-ms`, 8.0 to 9.1 `reconnect` in seconds (gone in
 * 10.0); 7.2 cannot reconnect, so card and link are plugged anew, where the machine type allows that.
 */
export function networkFlags(link: NetLink, slot: NicSlot, version: string | undefined): NetworkFlags {
  return cardFlags(link, slot, version, main);
}

/** The same for the card on the shared network: beside the first, at a place of its own. */
export function lanFlags(link: NetLink, slot: NicSlot, version: string | undefined): NetworkFlags {
  return cardFlags(link, { ...slot, ...(slot.addr !== undefined && { addr: "0x4" }) }, version, shared);
}

function cardFlags(link: NetLink, slot: NicSlot, version: string | undefined, names: CardNames): NetworkFlags {
  // Without a boot ROM: the guest never boots from the network, and the ROM's package may be missing.
  const place = slot.rootPort ? { bus: names.port } : { bus: slot.bus, addr: slot.addr };
  const card = { netdev: names.net, id: names.nic, mac: link.mac, ...place, romfile: "" };
  const devices = [
    ...(slot.rootPort ? [optionText("pcie-root-port", { id: names.port, bus: slot.bus, addr: slot.addr, chassis: names.chassis })] : []),
    optionText("virtio-net-pci", card),
  ];
  if (link.kind === "user") {
    const forwards = link.forwards.map((port) => `,hostfwd=${hostForward(port)}`).join("");
    return { netdev: `${optionText("user", { id: names.net })}${forwards}`, devices, notes: [] };
  }
  if (link.kind !== "unix-stream") {
    throw new MachineError("slots-mismatch", `qemu cannot use a link of the kind ${link.kind}`, { plugin: "qemu", hint: "Choose a forwarder that offers unix-stream or user." });
  }
  const address = { "addr.type": "unix", "addr.path": socketPath(link.path) };
  const again = isAtLeast(version, "9.2") ? { "reconnect-ms": 500 } : isAtLeast(version, "8.0") ? { reconnect: 1 } : undefined;
  const netdev = optionText("stream", { id: names.net, server: false, ...address, ...again });
  if (again) return { netdev, devices, notes: [] };
  if (!slot.hotplug) return { netdev, devices, notes: [`QEMU ${version} cannot reconnect to a forwarder that was replaced; QEMU 8.0 can. Until then a crash of the forwarder needs a restart of the machine.`] };
  const replug: QmpStep[] = [
    { execute: "device_del", arguments: { id: names.nic }, awaitEvent: { name: "DEVICE_DELETED", data: { device: names.nic } } },
    { execute: "netdev_del", arguments: { id: names.net } },
    { execute: "netdev_add", arguments: { type: "stream", id: names.net, server: false, addr: { type: "unix", path: link.path } } },
    { execute: "device_add", arguments: { driver: "virtio-net-pci", ...card } },
  ];
  return { netdev, devices, replug, notes: [] };
}

/** A rule of QEMU's user networking: "tcp:127.0.0.1:8080-:80". */
function hostForward({ protocol, host, hostPort, guestPort }: ResolvedPort): string {
  return `${protocol}:${host}:${hostPort}-:${guestPort}`;
}
