import type { Flag } from "./flags.ts";
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
    "What is set wins over the machine's script until it is reset. It holds from the next start on, and",
    "what needs a restart is said. A disk only grows; the guest grows its file system when it boots.",
  ].join("\n"),
  examples: ["glowplug set --cpus 4 --memory 4096 web", "glowplug set --disk-size 200 web", "glowplug set --reset web"],
  flags: {
    cpus: { ...specFlags.cpus, help: "Virtual processors" },
    memory: { ...specFlags.memory, help: "Memory in MiB" },
    diskSize: { ...specFlags.diskSize, help: "Size of the disk in GiB, larger than it is" },
    rootful: specFlags.rootful,
    reset: resetFlag,
  },
  async run(call) {
    const { flags: { cpus, memory, diskSize, rootful, reset }, globals, run } = call;
    const name = await nameOf(call);
    const { set } = await import("../lifecycle/set.ts");
    const settings = {
      ...(cpus !== undefined && { cpus }), ...(memory !== undefined && { memory: `${memory}MiB` as const }),
      ...(diskSize !== undefined && { disk: `${diskSize}GiB` as const }), ...(rootful !== undefined && { rootful }),
    };
    await set(name, { settings, ...(reset && { reset }) }, run);
    if (!globals.json) return;
    const { readRecord } = await import("../store.ts");
    const { statusOf } = await import("../lifecycle/status.ts");
    const record = readRecord(run.paths, name);
    if (record) printMachine(await statusOf(record, run.paths), call);
  },
});
