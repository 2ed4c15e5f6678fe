import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import type { Experiment } from "../support/crash/experiment.ts";
import { performAll, stepsOf, victimsAt } from "../support/crash/suite.ts";
import { crashVerbs } from "../support/crash/verbs.ts";

/** Whoever lives is killed at every step of every verb; then the verb is repeated, and in another world the machine is used as if nothing had happened. */
describe("a verb that is killed at a step of it, or loses a process there", () => {
  let world: CrashWorld;
  beforeAll(async () => {
    world = new CrashWorld();
    await world.prepare();
  });
  afterAll(() => world.close());

  it.each(crashVerbs.map((verb) => [verb.title, verb] as const))("%s", async (_, verb) => {
    const places = victimsAt(await stepsOf(verb, world), verb.from);
    const experiments = places.flatMap(({ at, victims }) => victims.flatMap((victim) => (["again", "onwards"] as const).map((follow): Experiment => ({ verb, at, victim, follow }))));
    const { steps, kills, failures } = await performAll(experiments, { tell: (line) => console.error(line) });
    console.log(`${verb.title}: ${steps} steps, ${kills} kills, ${failures.length} failures`);
    expect(failures).toEqual([]);
    expect(steps).toBe(places.length);
  });
});
