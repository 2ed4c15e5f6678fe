import { on } from "./flags.ts";
import { printMachine } from "./inspect-view.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT]",
  description: "Locates, fetches and verifies the image, makes the disk and the first-boot config. Nothing runs.",
  examples: ["glowplug init", "glowplug init --cpus 4 --memory 4096 --now web", "glowplug init ./machine.ts"],
  flags: { ...specFlags, ...sourceFlags, now: on("--now", "Start the machine afterwards") },
  async run(call) {
    const { flags, globals, output, run } = call;
    const machine = await openDescribed(call, flags, specOf(flags, run));
    await machine.init();
    if (!globals.json) output.line("Machine init complete");
    if (flags.now) return await call.dispatch(["start", machine.name]);
    if (globals.json) return printMachine(await machine.status(), call);
    if (!globals.quiet) output.write(`To start your machine run:\n\n\tglowplug start${machine.name === "default" ? "" : ` ${machine.name}`}\n\n`);
  },
});
