import { foreignHost, pathsOfHost } from "../host.ts";
import type { Run } from "../run.ts";
import { on, text } from "./flags.ts";
import { printPlan } from "./plan-text.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT]",
  description: [
    "Shows what is fetched, the first-boot config, exact command lines, ports and files. Writes nothing; nothing listens.",
    "What does not exist before init (keys, the ssh port) is a placeholder such as <ssh-key>.",
  ].join("\n"),
  examples: ["glowplug plan ./machine.ts", "glowplug plan --host darwin/arm64", "glowplug plan --json web", "glowplug plan --first-boot web"],
  flags: {
    host: text("--host <os/arch>", "Plan for another host: linux/amd64, linux/arm64, darwin/amd64, darwin/arm64"),
    firstBoot: on("--first-boot", "Print the first-boot config alone, as the guest gets it"),
    ...specFlags,
    ...sourceFlags,
  },
  async run(call) {
    const { flags, globals, output, run } = call;
    const there = flags.host === undefined ? run : { ...run, ...elsewhere(flags.host) };
    const machine = await openDescribed({ ...call, run: there }, flags, specOf(flags, run));
    const plan = await machine.plan();
    if (flags.firstBoot) return output.write(plan.firstBoot.text.endsWith("\n") ? plan.firstBoot.text : `${plan.firstBoot.text}\n`);
    printPlan(plan, globals.json, output);
  },
});

function elsewhere(name: string): Pick<Run, "host" | "paths"> {
  const host = foreignHost(name);
  return { host, paths: pathsOfHost(host) };
}
