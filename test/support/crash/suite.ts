import type { CrashWorld } from "./crash-world.ts";
import { perform, titleOf, type Experiment } from "./experiment.ts";
import type { TakenStep, Victim } from "./order.ts";
import { killed } from "./trouble.ts";
import type { CrashVerb } from "./verbs.ts";

/** What a round of experiments came to. */
export interface CrashResult {
  readonly steps: number;
  /** Experiments in which something went wrong as it was ordered. */
  readonly done: number;
  readonly failures: readonly { readonly title: string; readonly faults: readonly string[] }[];
}

/** Runs a verb undisturbed, and returns the steps that it and the keeper took. */
export async function stepsOf(verb: CrashVerb, world: CrashWorld, { writes = false } = {}): Promise<readonly TakenStep[]> {
  const { ended, ordered } = await world.under({ writes }, verb);
  if (ended.code !== 0) throw new Error(`glowplug ${verb.argv.join(" ")}, undisturbed, ended with ${ended.code}: ${ended.stderr}`);
  const { taken } = ordered;
  await world.glowplug("rm", "--force", "box");
  return taken;
}

/** The kills of a verb: of whoever lives at each step of it, by the steps before it. What follows alternates, and is the other with the next seed. */
export async function killsOf(verb: CrashVerb, world: CrashWorld, seed: number): Promise<readonly Experiment[]> {
  const places = victimsAt(await stepsOf(verb, world), verb).filter(({ at }) => isOwn(verb, at));
  const kills = places.flatMap(({ at, victims }) => victims.filter((victim) => !verb.helpers || victim === "helper").map((victim) => ({ verb, at, trouble: killed(victim) })));
  return kills.map((kill, index): Experiment => ({ ...kill, follow: (seed + index) % 2 === 0 ? "again" : "onwards" }));
}

/** Whether a step is one of those that are tried of a verb. */
export function isOwn({ ownSteps }: CrashVerb, { role }: TakenStep): boolean {
  return !ownSteps || role === "cli";
}

function victimsAt(taken: readonly TakenStep[], { from, helpers = 0 }: CrashVerb): readonly { readonly at: TakenStep; readonly victims: readonly Victim[] }[] {
  const running = from === "running" || from === "orphaned";
  const living = new Set<Victim>(["cli", ...(running ? ["forwarder", "vm"] as const : []), ...(from === "running" ? ["keeper"] as const : [])]);
  let noted = 0;
  return taken.map((at) => {
    if (at.step === "keeper.known") living.add("keeper");
    if (at.step === "keeper.noted") living.add((noted += 1) === 1 ? "forwarder" : noted <= 1 + helpers ? "helper" : "vm");
    if (at.step === "keeper.vm-down") living.delete("vm");
    if (at.step === "keeper.down") for (const one of ["forwarder", "helper"] as const) living.delete(one);
    if (at.step === "keeper.folder") living.delete("keeper");
    // The keeper can be ended before it is known, and after its folder is gone.
    return { at, victims: [...new Set([...living, ...(at.role === "keeper" ? ["keeper" as const] : [])])] };
  });
}

/** How experiments are performed. */
export interface Rounds<W extends CrashWorld> {
  /** Makes a world of experiments, which are performed one after the other in it. */
  newWorld(): W;
  /** Worlds at a time: most of an experiment is waiting. Default: 3. */
  readonly worlds?: number;
  /** What makes the world well again. */
  relieve?(world: W): void;
  tell(line: string): void;
}

/** Performs experiments, several at a time. */
export async function performAll<W extends CrashWorld>(experiments: readonly Experiment[], { newWorld, worlds = 3, relieve, tell }: Rounds<W>): Promise<CrashResult> {
  const queue = experiments.values();
  const failures: { title: string; faults: readonly string[] }[] = [];
  let done = 0;
  const work = async (): Promise<void> => {
    const world = newWorld();
    try {
      await world.prepare();
      for (const experiment of queue) {
        const { isDone, faults } = await perform(experiment, world, relieve);
        if (isDone) done += 1;
        if (faults.length > 0) failures.push({ title: titleOf(experiment), faults });
        if (faults.length > 0) tell(`${titleOf(experiment)}\n  ${faults.join("\n  ")}`);
      }
    } finally {
      await world.close();
    }
  };
  await Promise.all(Array.from({ length: worlds }, work));
  return { steps: new Set(experiments.map(({ verb, at }) => `${verb.title} ${at.born} ${at.role} ${at.step} ${at.nth}`)).size, done, failures };
}
