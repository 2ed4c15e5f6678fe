import { MachineError, socketPath, type NetLink, type QmpStep, type ResolvedPort } from "glowplug";
import { isAtLeast, type NicSlot } from "./machine-types.ts";
import { optionText } from "./option-text.ts";

/** Names in the monitor. */
const netId = "net0";
const nicId = "nic0";
const portId = "nicport";

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
  // Without a boot ROM: the guest never boots from the network, and the ROM's package may be missing.
  const place = slot.rootPort ? { bus: portId } : { bus: slot.bus, addr: slot.addr };
  const card = { netdev: netId, id: nicId, mac: link.mac, ...place, romfile: "" };
  const devices = [
    ...(slot.rootPort ? [optionText("pcie-root-port", { id: portId, bus: slot.bus, addr: slot.addr, chassis: 1 })] : []),
    optionText("virtio-net-pci", card),
  ];
  if (link.kind === "user") {
    const forwards = link.forwards.map((port) => `,hostfwd=${hostForward(port)}`).join("");
    return { netdev: `${optionText("user", { id: netId })}${forwards}`, devices, notes: [] };
  }
  if (link.kind !== "unix-stream") {
    throw new MachineError("slots-mismatch", `qemu cannot use a link of the kind ${link.kind}`, { plugin: "qemu", hint: "Choose a forwarder that offers unix-stream or user." });
  }
  const address = { "addr.type": "unix", "addr.path": socketPath(link.path) };
  const again = isAtLeast(version, "9.2") ? { "reconnect-ms": 500 } : isAtLeast(version, "8.0") ? { reconnect: 1 } : undefined;
  const netdev = optionText("stream", { id: netId, server: false, ...address, ...again });
  if (again) return { netdev, devices, notes: [] };
  if (!slot.hotplug) return { netdev, devices, notes: [`QEMU ${version} cannot reconnect to a forwarder that was replaced; QEMU 8.0 can. Until then a crash of the forwarder needs a restart of the machine.`] };
  const replug: QmpStep[] = [
    { execute: "device_del", arguments: { id: nicId }, awaitEvent: { name: "DEVICE_DELETED", data: { device: nicId } } },
    { execute: "netdev_del", arguments: { id: netId } },
    { execute: "netdev_add", arguments: { type: "stream", id: netId, server: false, addr: { type: "unix", path: link.path } } },
    { execute: "device_add", arguments: { driver: "virtio-net-pci", ...card } },
  ];
  return { netdev, devices, replug, notes: [] };
}

/** A rule of QEMU's user networking: "tcp:127.0.0.1:8080-:80". */
function hostForward({ protocol, host, hostPort, guestPort }: ResolvedPort): string {
  return `${protocol}:${host}:${hostPort}-:${guestPort}`;
}
