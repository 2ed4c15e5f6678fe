import { expect, it } from "vitest";
import { stormIn, StormWorld } from "../support/crash/storm-world.ts";
import { seedOfRun } from "../support/random.ts";

const seed = seedOfRun(1);

/** `npm run test:crash` has a larger one. */
it(`50 verbs of four processes at once on two machines end as they may, and everything can be removed (seed ${seed})`, async () => {
  const world = new StormWorld();
  try {
    expect(await stormIn(world, { seed, actors: 4, verbs: 50, machines: ["a", "b"] })).toEqual([]);
  } finally {
    await world.close();
  }
}, 600_000);
