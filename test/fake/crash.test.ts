import { expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import type { Experiment } from "../support/crash/experiment.ts";
import { killsOf, performAll } from "../support/crash/suite.ts";
import { crashVerbs } from "../support/crash/verbs.ts";
import { randomFrom, sample, seedOfRun } from "../support/random.ts";

const seed = seedOfRun(14669);
/** Of each verb; `npm run test:crash` takes all. */
const perVerb = 3;

it(`nothing is left stuck by a process that is killed at a step of a verb (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const world = new CrashWorld();
  const experiments: Experiment[] = [];
  try {
    await world.prepare();
    for (const verb of crashVerbs) experiments.push(...sample(await killsOf(verb, world, seed), perVerb, random));
  } finally {
    await world.close();
  }
  const { failures } = await performAll(experiments, { newWorld: () => new CrashWorld(), tell: (line) => console.error(line) });
  expect(failures).toEqual([]);
}, 600_000);
