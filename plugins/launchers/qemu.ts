import { checkOptions, type BootInput, type BootPlan, type HostFacts, type Launcher } from "glowplug";
import { accelerators } from "./qemu/accelerators.ts";
import { qemuCommand, readyPortName } from "./qemu/args.ts";
import { askQemu } from "./qemu/binary.ts";
import { findFirmware } from "./qemu/firmware.ts";
import { machineTypeFor, placesOn } from "./qemu/machine-types.ts";
import type { QemuOptions } from "./qemu/options.ts";
import { processorOf } from "./qemu/processor.ts";
import { planShares } from "./qemu/shares.ts";
import { parseUserArgs } from "./qemu/user-args.ts";
import { findVirtiofsd } from "./qemu/virtiofsd.ts";

export type { QemuOptions } from "./qemu/options.ts";

/**
 * Runs the VM under QEMU 7.2 or newer: with KVM or in software on Linux, with the Hypervisor framework or in software on macOS.
 * The VM starts paused and is spoken to over its monitor; console, monitor and ready port are sockets in the runtime folder.
 */
export default function qemu(options: QemuOptions = {}): Launcher {
  checkOptions("qemu", options, ["args", "binary", "machine", "cpu", "accelerator", "display", "virtiofsd"]);
  const userArgs = parseUserArgs(options.args ?? []);
  return {
    name: "qemu",
    role: "launcher",
    platforms: ["qemu"],
    formats: ["qcow2", "raw"],
    seeds: ["ignition", "nocloud"],
    links: ["unix-stream", "user"],
    shares: ["virtiofs", "9p"],
    // QEMU can save a running guest; nothing here asks it to yet.
    abilities: { suspend: false, hotplug: true, lan: true, usb: true },
    ready: { kind: "virtio-port", name: readyPortName },

    async check(host: HostFacts): Promise<void> {
      const { program } = await askQemu(host, host.arch, options.binary);
      if (machineTypeFor(host.arch).uefi) findFirmware(host, program);
    },

    async accelerators(host, arch) {
      const all = await accelerators(host, arch, options.binary);
      if (options.accelerator === undefined) return all;
      const chosen = all.find(({ name }) => name === options.accelerator);
      return [chosen ?? { name: options.accelerator, usable: false, reason: `there is no ${options.accelerator} on ${host.os}` }];
    },

    async plan(input: BootInput): Promise<BootPlan> {
      const { host, arch } = input;
      const known = await askQemu(host, arch, options.binary);
      const places = placesOn(options.machine ?? machineTypeFor(arch).type);
      const shares = planShares(input, await findVirtiofsd(host, options.virtiofsd), places.shares);
      const { command, files, network, lan, sockets } = qemuCommand(input, known, options, userArgs, shares);
      return {
        vm: command,
        helpers: [...shares.helpers],
        files: [...files],
        console: { kind: "unix", path: sockets.console },
        ready: { kind: "connect", path: sockets.ready },
        control: { kind: "qmp", path: sockets.monitor, paused: true },
        mounts: shares.mounts,
        ...(shares.hot && { hotShares: shares.hot }),
        ...(network.replug && { replug: network.replug }),
        ...(lan?.replug && { replugLan: lan.replug }),
        notes: [...shares.notes, ...network.notes],
      };
    },

    processor: processorOf,
  };
}
