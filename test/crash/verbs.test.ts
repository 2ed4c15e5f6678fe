import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import type { Experiment } from "../support/crash/experiment.ts";
import { performAll, stepsOf, victimsAt } from "../support/crash/suite.ts";
import { killed } from "../support/crash/trouble.ts";
import { crashVerbs } from "../support/crash/verbs.ts";

const sum = { steps: 0, kills: 0, failures: 0 };

/** Whoever lives is killed at every step of every verb; then the verb is repeated, and in another world the machine is used as if nothing had happened. */
describe("a verb that is killed at a step of it, or loses a process there", () => {
  let world: CrashWorld;
  beforeAll(async () => {
    world = new CrashWorld();
    await world.prepare();
  });
  afterAll(async () => {
    await world.close();
    console.log(`crash suite: ${sum.steps} steps, ${sum.kills} kills, ${sum.failures} failures`);
  });

  it.each(crashVerbs.map((verb) => [verb.title, verb] as const))("%s", async (_, verb) => {
    const places = victimsAt(await stepsOf(verb, world), verb.from);
    const experiments = places.flatMap(({ at, victims }) => victims.flatMap((victim) => (["again", "onwards"] as const).map((follow): Experiment => ({ verb, at, trouble: killed(victim), follow }))));
    const began = performance.now();
    const { steps, done, failures } = await performAll(experiments, { newWorld: () => new CrashWorld(), tell: (line) => console.error(line) });
    console.log(`${verb.title}: ${steps} steps, ${done} kills, ${failures.length} failures (${Math.round((performance.now() - began) / 1000)} s)`);
    sum.steps += steps;
    sum.kills += done;
    sum.failures += failures.length;
    expect(failures).toEqual([]);
    expect(steps).toBe(places.length);
  });
});
