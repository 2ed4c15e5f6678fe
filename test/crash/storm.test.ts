import { expect, it } from "vitest";
import { stormIn, StormWorld } from "../support/crash/storm-world.ts";
import { seedOfRun } from "../support/random.ts";

const seed = seedOfRun();

it(`200 verbs of eight processes at once on five machines end as they may, and everything can be removed (seed ${seed})`, async () => {
  const world = new StormWorld();
  try {
    const faults = await stormIn(world, { seed, actors: 8, verbs: 200, machines: ["a", "b", "c", "d", "e"] });
    console.log(`storm ${seed}: 200 verbs, ${faults.length} failures`);
    expect(faults).toEqual([]);
  } finally {
    await world.close();
  }
});
