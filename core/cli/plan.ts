import type { MachineHandle } from "../handle.ts";
import { foreignHost, pathsOfHost } from "../host.ts";
import { readKeeperPlan } from "../keeper/read-plan.ts";
import { diffPlans } from "../plan-diff.ts";
import type { Run } from "../run.ts";
import { on, text } from "./flags.ts";
import { planDiffText } from "./plan-diff-text.ts";
import { printPlan } from "./plan-text.ts";
import { runningMachine } from "./running.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb, type Call } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT]",
  description: [
    "Shows what is fetched, the first-boot config, exact command lines, ports and files. Writes nothing; nothing listens.",
    "What does not exist before init (keys, the ssh port) is a placeholder such as <ssh-key>.",
  ].join("\n"),
  examples: ["glowplug plan ./machine.ts", "glowplug plan --host darwin/arm64", "glowplug plan --json web", "glowplug plan --first-boot web", "glowplug plan --diff web"],
  flags: {
    host: text("--host <os/arch>", "Plan for another host: linux/amd64, linux/arm64, darwin/amd64, darwin/arm64"),
    diff: on("--diff", "Print how the next start differs from what runs"),
    firstBoot: on("--first-boot", "Print the first-boot config alone, as the guest gets it"),
    ...specFlags,
    ...sourceFlags,
  },
  async run(call) {
    const { flags, globals, output, run } = call;
    const there = flags.host === undefined ? run : { ...run, ...elsewhere(flags.host) };
    const machine = await openDescribed({ ...call, run: there }, flags, { spec: specOf(flags, run) });
    if (flags.diff) return printDiff(machine, call);
    const plan = await machine.plan();
    if (flags.firstBoot) return output.write(plan.firstBoot.text.endsWith("\n") ? plan.firstBoot.text : `${plan.firstBoot.text}\n`);
    printPlan(plan, globals.json, output);
  },
});

/** What runs is looked at before the next start is planned: a machine that does not run has nothing to compare with. */
async function printDiff(machine: MachineHandle, { globals, output, run }: Pick<Call, "globals" | "output" | "run">): Promise<void> {
  const { keeper } = await runningMachine(machine.name, run);
  const running = readKeeperPlan(run.paths.machine(machine.name));
  const diff = diffPlans(running, keeper?.ports ?? [...running.openAtStart, ...running.ports], await machine.plan());
  if (globals.json) output.json(diff);
  else output.write(planDiffText(diff, output.paint));
}

function elsewhere(name: string): Pick<Run, "host" | "paths"> {
  const host = foreignHost(name);
  return { host, paths: pathsOfHost(host) };
}
