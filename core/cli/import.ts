import { isScriptPath } from "./script-path.ts";
import { MachineError } from "../errors.ts";
import { printMachine } from "./inspect-view.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[PODMAN-NAME [NAME]]",
  description: [
    "Takes over a machine that podman machine made, of podman 4 or 5: its disk and its key are copied, its ports, mounts",
    "and sizes kept. podman's own stays as it is; it must be stopped. Without a name: podman-machine-default.",
  ].join("\n"),
  examples: ["glowplug import", "glowplug import podman-machine-default web"],
  flags: {},
  most: 2,
  async run(call) {
    const { globals, output, run, words: [from = "podman-machine-default", name = from] } = call;
    if (isScriptPath(from)) throw new MachineError("usage", `${from} is no name of a machine of podman's`, { hint: "Name it as `podman machine list` does." });
    const { findPodmanMachine } = await import("../import/podman-machine.ts");
    const { importMachine, specOfPodman } = await import("../lifecycle/import.ts");
    const { openMachine } = await import("../open.ts");
    const found = findPodmanMachine(from, run.paths);
    const flags = specOfPodman(found);
    // Without any script: what podman's machine is stands in its record.
    const machine = await openMachine({ name, isNew: true, spec: {}, flags }, run);
    await importMachine(found, await machine.spec(), flags as Readonly<Record<string, unknown>>, run);
    if (globals.json) return printMachine(await machine.status(), call);
    output.line("Machine import complete");
    if (!globals.quiet) output.write(`To start your machine run:\n\n\tglowplug start ${name}\n\n`);
  },
});
