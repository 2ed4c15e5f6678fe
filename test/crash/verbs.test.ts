import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import { killsOf, performAll } from "../support/crash/suite.ts";
import { crashVerbs } from "../support/crash/verbs.ts";
import { seedOfRun } from "../support/random.ts";

const seed = seedOfRun();
const sum = { steps: 0, kills: 0, failures: 0 };

/** Whoever lives is killed at every step of every verb; then the verb is repeated, or the machine is used as if nothing had happened. */
describe(`a verb that is killed at a step of it, or loses a process there (seed ${seed})`, () => {
  let world: CrashWorld;
  beforeAll(async () => {
    world = new CrashWorld();
    await world.prepare();
  });
  afterAll(async () => {
    await world.close();
    console.log(`crash suite: ${sum.steps} steps, ${sum.kills} kills, ${sum.failures} failures (seed ${seed})`);
  });

  it.each(crashVerbs.map((verb) => [verb.title, verb] as const))("%s", async (_, verb) => {
    const experiments = await killsOf(verb, world, seed);
    const began = performance.now();
    const { steps, done, failures } = await performAll(experiments, { newWorld: () => new CrashWorld(), tell: (line) => console.error(line) });
    console.log(`${verb.title}: ${steps} steps, ${done} kills, ${failures.length} failures (${Math.round((performance.now() - began) / 1000)} s)`);
    sum.steps += steps;
    sum.kills += done;
    sum.failures += failures.length;
    expect(failures).toEqual([]);
    expect(done).toBeGreaterThan(0);
  });
});
