import { CrashWorld } from "./crash-world.ts";
import { perform, titleOf, type Experiment } from "./experiment.ts";
import type { TakenStep, Victim } from "./order.ts";
import type { CrashVerb } from "./verbs.ts";

/** What a round of experiments came to. */
export interface CrashResult {
  readonly steps: number;
  readonly kills: number;
  readonly failures: readonly { readonly title: string; readonly faults: readonly string[] }[];
}

/** Runs a verb undisturbed, and returns the steps that it and the keeper took. */
export async function stepsOf(verb: CrashVerb, world: CrashWorld, { writes = false } = {}): Promise<readonly TakenStep[]> {
  const { ended, ordered } = await world.under({ writes }, verb.from, verb.argv);
  if (ended.code !== 0) throw new Error(`glowplug ${verb.argv.join(" ")}, undisturbed, ended with ${ended.code}: ${ended.stderr}`);
  const { taken } = ordered;
  await world.glowplug("rm", "--force", "box");
  return taken;
}

/** Who lives at each step of a run, by the steps before it. */
export function victimsAt(taken: readonly TakenStep[], from: CrashVerb["from"]): readonly { readonly at: TakenStep; readonly victims: readonly Victim[] }[] {
  const living = new Set<Victim>(from === "running" ? ["cli", "keeper", "forwarder", "vm"] : ["cli"]);
  let noted = 0;
  return taken.map((at) => {
    if (at.step === "keeper.known") living.add("keeper");
    if (at.step === "keeper.noted") living.add((noted += 1) === 1 ? "forwarder" : "vm");
    if (at.step === "keeper.vm-down") living.delete("vm");
    if (at.step === "keeper.down") living.delete("forwarder");
    if (at.step === "keeper.folder") living.delete("keeper");
    // The keeper can be ended before it is known, and after its folder is gone.
    return { at, victims: [...new Set([...living, ...(at.role === "keeper" ? ["keeper" as const] : [])])] };
  });
}

/** Performs experiments, two at a time, each world after the other. */
export async function performAll(experiments: readonly Experiment[], { writes = false, worlds = 2, tell }: { readonly writes?: boolean; readonly worlds?: number; tell(line: string): void }): Promise<CrashResult> {
  const queue = experiments.values();
  const failures: { title: string; faults: readonly string[] }[] = [];
  let kills = 0;
  const work = async (): Promise<void> => {
    const world = new CrashWorld();
    try {
      await world.prepare();
      for (const experiment of queue) {
        const { killed, faults } = await perform(experiment, world, writes);
        if (killed) kills += 1;
        if (faults.length > 0) failures.push({ title: titleOf(experiment), faults });
        if (faults.length > 0) tell(`${titleOf(experiment)}\n  ${faults.join("\n  ")}`);
      }
    } finally {
      await world.close();
    }
  };
  await Promise.all(Array.from({ length: worlds }, work));
  return { steps: new Set(experiments.map(({ verb, at }) => `${verb.title} ${at.born} ${at.role} ${at.step} ${at.nth}`)).size, kills, failures };
}
