import { join } from "node:path";
import { Command, socketPath, type BootInput, type PlannedFile } from "glowplug";
import { sandboxText, type Qemu } from "./binary.ts";
import { addFirmware } from "./firmware.ts";
import { machineTypeFor, placesOn } from "./machine-types.ts";
import { lanFlags, networkFlags, type NetworkFlags } from "./network.ts";
import { optionText } from "./option-text.ts";
import type { QemuOptions } from "./options.ts";
import type { SharePlan } from "./shares.ts";
import { usbFlags } from "./usb.ts";
import { applyUserArgs, userValue, type UserArgument } from "./user-args.ts";

/** Name of the port in the guest: /dev/virtio-ports/NAME. */
export const readyPortName = "org.glowplug.ready";

export interface QemuCommand {
  readonly command: Command;
  readonly files: readonly PlannedFile[];
  readonly network: NetworkFlags;
  readonly lan?: NetworkFlags;
  readonly sockets: { readonly console: string; readonly monitor: string; readonly ready: string };
}

/** The whole command line. Pure: the same input gives the same line. */
export function qemuCommand(input: BootInput, qemu: Qemu, options: QemuOptions, userArgs: readonly UserArgument[], shares: SharePlan): QemuCommand {
  const { name, arch, cpus, memory, disk, seed, accelerator, link, folders } = input;
  const machine = machineTypeFor(arch);
  const type = options.machine ?? machine.type;
  const socket = (file: string): string => socketPath(join(folders.runtime, file));
  const sockets = { console: socket("console.sock"), monitor: socket("qmp.sock"), ready: socket("ready.sock") };
  const command = new Command(qemu.program, { name: "qemu" });
  command.author = "qemu";

  // Nothing but what is named here: no user's or system's config, no default card, drive or window.
  command.add("-name", optionText(name, {})).add("-nodefaults").add("-no-user-config");
  if (qemu.sandbox) command.add("-sandbox", sandboxText);
  command.add("-display", options.display ?? "none");
  if (options.display !== undefined && options.display !== "none") command.add("-device", machine.graphics);

  const size = `${Math.floor(memory / 2 ** 20)}M`;
  command.add("-machine", optionText(type, machine.properties({ accelerator, cpus })));
  command.add("-accel", acceleratorText(accelerator, input));
  command.add("-cpu", options.cpu ?? cpuModel(machine.cpu, accelerator)).add("-smp", cpus).add("-m", size);
  const banks = machine.uefi && userValue(userArgs, "-bios") === undefined && userValue(userArgs, "-kernel") === undefined;
  const files = banks ? addFirmware(command, qemu.program, input) : [];

  // Paused until the keeper has connected, so that no byte of the console is lost.
  command.add("-S").add("-qmp", optionText(`unix:${sockets.monitor}`, { server: true, wait: false }));
  command.add("-chardev", optionText("socket", { id: "console", path: sockets.console, server: true, wait: false })).add("-serial", "chardev:console");

  const slot = placesOn(type).nic;
  const network = networkFlags(link, slot, qemu.version);
  const lan = input.lan && lanFlags(input.lan, slot, qemu.version);
  for (const { netdev, devices } of [network, ...(lan ? [lan] : [])]) {
    command.add("-netdev", netdev);
    for (const device of devices) command.add("-device", device);
  }

  // Freed blocks and zeros go back to the host. As -drive, since a user's -snapshot has no effect on a -blockdev (qemu(1)).
  command.add("-drive", optionText(undefined, { if: "none", id: "disk", file: disk.path, format: disk.format, discard: "unmap", "detect-zeroes": "unmap" }));
  command.add("-device", "virtio-blk-pci,drive=disk,bootindex=0");
  addSeed(command, seed);

  command.add("-device", "virtio-serial-pci");
  command.add("-chardev", optionText("socket", { id: "ready", path: sockets.ready, server: true, wait: false }));
  command.add("-device", optionText("virtserialport", { chardev: "ready", name: readyPortName }));
  command.add("-device", "virtio-rng-pci").add("-device", "virtio-balloon-pci,free-page-reporting=on");
  command.add("-device", machine.panic);
  for (const [flag, value] of [...shares.flags, ...usbFlags(input.usb)]) command.add(flag, value);

  applyUserArgs(command, userArgs);
  if (shares.sharedMemory) shareMemory(command);
  delete command.author;
  return { command, files, network, ...(lan && { lan }), sockets };
}

/** One thread a processor, but not for a guest that relies on a stronger memory order than the host's (docs/devel/multi-thread-tcg of QEMU). */
function acceleratorText(accelerator: string, { arch, host }: BootInput): string {
  if (accelerator !== "tcg") return accelerator;
  return arch === "x86_64" && host.arch !== "x86_64" ? "tcg" : "tcg,thread=multi";
}

function cpuModel(models: Readonly<Record<string, string>>, accelerator: string): string {
  return models[accelerator] ?? "max";
}

/**
 * Ignition reads its config on first boot alone. It is handed over at every boot nevertheless, as podman does: the line stays
 * the same from start to start, and a guest that is told to run Ignition again finds it.
 * cloud-init looks for its seed at every boot, and would take a guest without one for another machine. It is a disk and no
 * CD-ROM: every cloud kernel has virtio-blk, on every machine type.
 */
function addSeed(command: Command, seed: BootInput["seed"]): void {
  if (seed.kind === "ignition") {
    command.add("-fw_cfg", optionText(undefined, { name: "opt/com.coreos/config", file: seed.path }));
    return;
  }
  command.add("-drive", optionText(undefined, { if: "none", id: "seed", file: seed.path, format: "raw", readonly: true }));
  command.add("-device", "virtio-blk-pci,drive=seed");
}

/** Backs the guest's memory by a file that helpers can map. Follows what the user made of -m and -machine. */
function shareMemory(command: Command): void {
  const size = (command.get("-m") ?? "").split(",").map((part) => part.replace(/^size=/, "")).find((part) => /^\d+[bkmgt]?$/i.test(part)) ?? "128M";
  const withUnit = /\d$/.test(size) ? `${size}M` : size;
  command.add("-object", optionText("memory-backend-memfd", { id: "mem", size: withUnit, share: true }));
  const machine = command.get("-machine") ?? "";
  if (!machine.includes("memory-backend=")) command.set("-machine", `${machine},memory-backend=mem`);
}
