import { expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import type { Experiment } from "../support/crash/experiment.ts";
import { performAll, stepsOf, victimsAt } from "../support/crash/suite.ts";
import { killed } from "../support/crash/trouble.ts";
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
    for (const verb of crashVerbs) {
      const all = victimsAt(await stepsOf(verb, world), verb.from).flatMap(({ at, victims }) => victims.flatMap((victim) => (["again", "onwards"] as const).map((follow): Experiment => ({ verb, at, trouble: killed(victim), follow }))));
      experiments.push(...sample(all, perVerb, random));
    }
  } finally {
    await world.close();
  }
  const { failures } = await performAll(experiments, { newWorld: () => new CrashWorld(), tell: (line) => console.error(line) });
  expect(failures).toEqual([]);
}, 600_000);
