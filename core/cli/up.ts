import { printMachine } from "./inspect-view.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { startNotes } from "./start.ts";
import { sourceFlags, sourceOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[SCRIPT|NAME]",
  description: "Does whatever is missing of init and start. A machine that runs is left as it is.",
  examples: ["glowplug up", "glowplug up ./machine.ts", "./machine.ts up"],
  flags: { ...specFlags, ...sourceFlags },
  async run(call) {
    const { flags, globals, output, run } = call;
    const { openMachine } = await import("../open.ts");
    const machine = await openMachine(sourceOf(call, flags, specOf(flags, run)), run);
    const before = await machine.status();
    await machine.up();
    const status = await machine.status();
    if (globals.json) {
      return printMachine(status, call);
    }
    if (before.state === "running") {
      output.line(`Machine "${machine.name}" is running`);
      return;
    }
    if (!globals.quiet) output.write(startNotes(status, run.paths));
    output.line(`Machine "${machine.name}" started successfully`);
  },
});
