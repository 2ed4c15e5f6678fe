import { MachineError } from "../errors.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { hidden, on, type Flag } from "./flags.ts";
import { printMachine } from "./inspect-view.ts";
import { specFlags } from "./spec-flags.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

/** A switch, or with "=" a list of fields. */
const resetFlag: Flag<"all" | readonly string[]> = {
  names: "--reset", takes: "nothing",
  help: "Take back what was set, so that the script holds again; only some: --reset=cpus,memory",
  read: (words) => {
    if (words.length === 0) return undefined;
    return words.includes("true") ? "all" : words.flatMap((word) => word.split(",")).filter((word) => word !== "").map((word) => (word === "disk-size" ? "disk" : word));
  },
};

export default defineVerb({
  usage: "[NAME]",
  description: [
    "What is set wins over the machine's script until it is reset. The machine must be stopped for it.",
    "A disk only grows; the guest grows its partition and file system when it boots. --usb names all",
    "devices, and --usb '' none.",
  ].join("\n"),
  examples: ["glowplug set --cpus 4 --memory 4096 web", "glowplug set --disk-size 200 web", "glowplug set --reset web"],
  flags: {
    cpus: { ...specFlags.cpus, help: "Virtual processors" },
    memory: { ...specFlags.memory, help: "Memory in MiB" },
    diskSize: { ...specFlags.diskSize, help: "Size of the disk in GiB, larger than it is" },
    rootful: specFlags.rootful,
    usb: specFlags.usb,
    importNativeCa: specFlags.importNativeCa,
    userModeNetworking: hidden(on("--user-mode-networking", "Not here: the network is always a program's of the user")),
    reset: resetFlag,
  },
  async run(call) {
    const { flags: { cpus, memory, diskSize, rootful, usb, importNativeCa, userModeNetworking, reset }, globals, run } = call;
    const name = await nameOf(call);
    const { readRecord } = await import("../store.ts");
    if (!readRecord(run.paths, name)) throw noSuchMachine(name);
    if (userModeNetworking !== undefined) throw new MachineError("usage", `setting --user-mode-networking is not supported on ${JSON.stringify(run.host.os)} platforms`, { hint: "Leave it out: the network is always a program's of the user here." });
    const { set } = await import("../lifecycle/set.ts");
    const settings = {
      ...(cpus !== undefined && { cpus }), ...(memory !== undefined && { memory: `${memory}MiB` as const }),
      ...(diskSize !== undefined && { disk: `${diskSize}GiB` as const }), ...(rootful !== undefined && { rootful }),
      ...(usb && { usb: usb.filter((word) => word !== "") }), ...(importNativeCa !== undefined && { importNativeCa }),
    };
    await set(name, { settings, ...(reset && { reset }) }, run);
    if (!globals.json) return;
    const { statusOf } = await import("../lifecycle/status.ts");
    const record = readRecord(run.paths, name);
    if (record) printMachine(await statusOf(record, run.paths), call);
  },
});
