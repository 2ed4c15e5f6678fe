import { keeperShell } from "../keeper/client.ts";
import { readKeeperPlan } from "../keeper/read-plan.ts";
import type { AskedProcessor } from "../roles/launcher.ts";
import { fine, type Finding, type MachineCheck, type Verdict } from "./finding.ts";

const timeoutMs = 15_000;
/** How many there are, what they are called, and what they can. */
const script = "nproc; sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1 | grep . || echo; grep -m 1 -iE '^(flags|features)' /proc/cpuinfo | cut -d : -f 2";

/** The guest's processors as it sees them, against the spec's number and what the VM's command line asks of them. */
export const processorCheck: MachineCheck = {
  title: "processor",
  applies: ({ status }) => status.state === "running" && status.keeper !== undefined,
  async look({ record: { name, spec } }, { launcher, run: { paths, signal } }) {
    const files = paths.machine(name);
    // Why ssh does not get in is told beside this.
    const said = await keeperShell(files.keeperSocket).exec(["/bin/sh", "-c", script], { timeoutMs, signal }).then(({ stdout }) => stdout, () => "");
    const asked = spec.launcher === launcher.name ? launcher.processor?.(readKeeperPlan(files).vm.argv) : undefined;
    return processorVerdict(said, { name, cpus: spec.cpus, launcher: launcher.name, asked });
  },
};

/** Reads the guest's answer: three lines. Says nothing to what is none. */
export function processorVerdict(said: string, { name, cpus, launcher, asked }: { readonly name: string; readonly cpus: number; readonly launcher: string; readonly asked: AskedProcessor | undefined }): Verdict {
  const [count = "", called = "", flags = ""] = said.split("\n").map((line) => line.trim());
  if (!/^\d{1,5}$/.test(count)) return fine();
  const has = new Set(flags.split(/\s+/).map(bare));
  const lacking = flags === "" ? [] : (asked?.features ?? []).filter((feature) => !has.has(bare(feature)));
  const findings: Finding[] = [];
  if (Number(count) !== cpus) findings.push({ id: "processors-differ", level: "warning", what: `${name} was to have ${cpus} processors, and has ${count}`, fix: `glowplug restart ${name}` });
  if (lacking.length > 0) findings.push({ id: "processor-lacks", level: "warning", what: `the processor of ${name} was to have ${lacking.join(", ")}, and has not: ${launcher} cannot give it here`, fix: "Ask for no more than this host can give: the option cpu of the launcher" });
  if (asked?.isHosts && /^QEMU /.test(called)) findings.push({ id: "processor-not-hosts", level: "warning", what: `the processor of ${name} was to be the host's, and is ${called}`, fix: `glowplug restart ${name}` });
  return { findings, fact: `${count} of ${[asked?.model, called].filter(Boolean).join(", seen as ") || "an unknown model"}` };
}

/** QEMU and Linux agree on letters and digits alone: "sse4.1" is "sse4_1". */
function bare(feature: string): string {
  return feature.toLowerCase().replaceAll(/[^a-z\d]/g, "");
}
