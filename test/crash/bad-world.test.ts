import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import { again, type Experiment } from "../support/crash/experiment.ts";
import { isOwn, performAll, stepsOf, type Rounds } from "../support/crash/suite.ts";
import { holdReadOnly } from "../support/crash/small-disk.ts";
import { TightWorld } from "../support/crash/tight-world.ts";
import { asked, clockJumps, diskFull, terminalClosed, toldAs, type Trouble } from "../support/crash/trouble.ts";
import { crashVerbs } from "../support/crash/verbs.ts";
import { seedOfRun } from "../support/random.ts";

const seed = seedOfRun();
const verbs = crashVerbs.filter(({ first }) => !first).map((verb) => [verb.title, verb] as const);
const tell = (line: string): void => console.error(line);

let world: CrashWorld;
beforeAll(async () => {
  world = new CrashWorld();
  await world.prepare();
});
afterAll(() => world.close());

/** Performs experiments and prints what they came to. */
async function expectNoFailure<W extends CrashWorld>(what: string, experiments: readonly Experiment[], rounds: Rounds<W>): Promise<void> {
  const began = performance.now();
  const { steps, done, failures } = await performAll(experiments, rounds);
  console.log(`${what}: ${steps} steps, ${done} troubles, ${failures.length} failures (${Math.round((performance.now() - began) / 1000)} s)`);
  expect(failures).toEqual([]);
  expect(done > 0).toBe(experiments.length > 0);
}

describe("a disk that is full from a write of a verb's on", () => {
  const trouble = diskFull((one) => (one as TightWorld).small.path);

  it.each(verbs)("%s: says so, or does it, and is repeated when there is room", async (_, verb) => {
    const writes = (await stepsOf(verb, world, { writes: true })).filter((at) => at.step.startsWith("write ") && at.born === "now" && isOwn(verb, at));
    const experiments = writes.map((at): Experiment => ({ verb, at, trouble, follow: "again" }));
    await expectNoFailure(`disk full, ${verb.title}`, experiments, { newWorld: () => new TightWorld(), relieve: ({ small }) => small.makeRoom(), tell });
  });
});

/** Each step has one of them, another in each round with another seed. */
describe(`a signal, a closed terminal or a wrong clock at each step (seed ${seed})`, () => {
  it.each(verbs)("%s: is undone or done, and the next command works", async (title, verb) => {
    const ofCli: readonly Trouble[] = [asked("SIGTERM"), asked("SIGHUP"), terminalClosed, ...clockJumps];
    const steps = (await stepsOf(verb, world)).filter((at) => isOwn(verb, at));
    const experiments = steps.map((at, index): Experiment => {
      const troubles = at.role === "cli" ? ofCli : clockJumps;
      return { verb, at, trouble: troubles[(seed + index) % troubles.length] as Trouble, follow: index % 2 === 0 ? "again" : "onwards" };
    });
    await expectNoFailure(`signals and clocks, ${title}`, experiments, { newWorld: () => new CrashWorld(), tell });
  });
});

/** In a world of its own each, all at once. */
describe("a folder of ours that is read-only", () => {
  it.each(verbs)("%s: says so, or does without, and is repeated when it is not", async (title, verb) => {
    const toldWrongly = toldAs(/read-only|EROFS/);
    const faults = await Promise.all(["data", "images", "run", "cache"].map(async (name) => {
      const one = new CrashWorld();
      await one.prepare();
      await one.put(verb.from);
      const free = holdReadOnly(join(one.folder, name));
      let wrong: readonly string[] = [];
      try {
        wrong = await toldWrongly(await one.glowplug(...verb.argv), verb, one, { role: "cli", born: "now", step: "none", nth: 1 });
      } finally {
        free();
      }
      const left = await again(verb, one);
      await one.close();
      return [...wrong, ...left].map((fault) => `${title}, ${name} read-only: ${fault}`);
    }));
    expect(faults.flat()).toEqual([]);
  });
});

describe("a QEMU that", () => {
  it("writes a gigabyte to its standard error, and a guest that fills its console, fill no disk", async () => {
    const one = new CrashWorld();
    await one.prepare();
    one.fakes?.behave({ qemu: { stderrFlood: 2 ** 30, consoleFlood: 2 ** 26 } });
    await one.ok("start", "box");
    const logs = join(one.folder, "data/glowplug/machines/box/logs");
    const sizeOf = (log: string): number => [log, `${log}.1`].map((name) => statSync(join(logs, name), { throwIfNoEntry: false })?.size ?? 0).reduce((sum, size) => sum + size, 0);
    await expect.poll(() => sizeOf("vm.log"), { timeout: 30_000 }).toBeLessThanOrEqual(5 * 2 ** 20);
    await expect.poll(() => sizeOf("serial.log"), { timeout: 30_000 }).toBeLessThanOrEqual(9 * 2 ** 20);
    expect(await one.ok("exec", "box", "echo", "a")).toBe("a\n");
    await one.close();
  });
});
