import { printMachine } from "./inspect-view.ts";
import { publish } from "./podman-events.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { startNotes } from "./start.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Does whatever is missing of init and start. Tells what has changed in the script since, and what it takes to apply it.",
  examples: ["glowplug up", "glowplug up ./machine.ts", "./machine.ts up"],
  flags: { ...specFlags, ...sourceFlags },
  several: { way: "at once", loadsScript: () => true },
  async run(call) {
    const { flags, globals, output, run } = call;
    const machine = await openDescribed(call, flags, { spec: specOf(flags, run) });
    const before = await machine.status();
    await machine.up();
    if (before.state === "absent") await publish("init", machine.name, run);
    const status = await machine.status();
    // One that had lost its keeper went on, or was started anew.
    const wasUp = before.state === "running" || (before.state === "orphaned" && before.record?.lastUp === status.record?.lastUp);
    if (!wasUp) await publish("start", machine.name, run);
    if (globals.json) return printMachine(status, call);
    if (wasUp) return output.line(`Machine "${machine.name}" is running already`);
    if (!globals.quiet) output.write(startNotes(status, run.paths));
    output.line(`Machine "${machine.name}" started successfully`);
  },
});
