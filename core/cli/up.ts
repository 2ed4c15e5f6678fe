import type { MachineHandle } from "../handle.ts";
import type { Status } from "../machine.ts";
import { saveSpec } from "../spec/save.ts";
import { printMachine } from "./inspect-view.ts";
import { changeLines, specChanges } from "./spec-changes.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { startNotes } from "./start.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[SCRIPT|NAME]",
  description: "Does whatever is missing of init and start. What has changed in the script since is told, with what it takes to apply it.",
  examples: ["glowplug up", "glowplug up ./machine.ts", "./machine.ts up"],
  flags: { ...specFlags, ...sourceFlags },
  async run(call) {
    const { flags, globals, output, run } = call;
    const machine = await openDescribed(call, flags, specOf(flags, run));
    const before = await machine.status();
    for (const line of await changesOf(machine, before)) run.report.warn(line);
    await machine.up();
    const status = await machine.status();
    if (globals.json) return printMachine(status, call);
    if (before.state === "running") return output.line(`Machine "${machine.name}" is running already`);
    if (!globals.quiet) output.write(startNotes(status, run.paths));
    output.line(`Machine "${machine.name}" started successfully`);
  },
});

async function changesOf(machine: MachineHandle, { record, state }: Status): Promise<string[]> {
  if (!record) return [];
  return changeLines(specChanges(record.spec, saveSpec(await machine.spec())), machine.name, state === "running");
}
