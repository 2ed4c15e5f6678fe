import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identityOf } from "../../core/process-identity.ts";
import { Ordered, type Order } from "../support/crash/order.ts";
import { calm, storm } from "../support/crash/storm-run.ts";
import { stormVerbs } from "../support/crash/storm.ts";
import { freePort } from "../support/free-port.ts";
import { seedOfRun } from "../support/random.ts";
import { filesBelow, processesOf, program, run, World, type Ended } from "../support/world.ts";

const seed = seedOfRun();
/** A verb that takes longer hangs: a boot is minutes without a hypervisor. */
const limitMs = 900_000;
const glowplug = (world: World, env: NodeJS.ProcessEnv, argv: readonly string[]): Promise<Ended> => run(process.execPath, [program, ...argv], { env, cwd: join(world.folder, "work"), limitMs });

/** A real guest writes and syncs; then its processes are killed, one after the other, at steps of the verbs. */
describe("a real machine whose processes are killed", () => {
  let world: World;
  let port: number;
  const written: string[] = [];
  beforeAll(async () => {
    world = new World();
    port = await freePort();
    world.write("box.yaml", `name: box\nimage: debian-bootstrap\ndisk: 8GiB\ncpus: 2\nmemory: 1GiB\nforwarder: gvproxy\npodman: false\nports: ["127.0.0.1:${port}:7000"]\n`);
  });
  afterAll(() => world.close());

  /** Runs a verb; somebody is killed at a step of it. */
  async function killing(order: Order, ...argv: string[]): Promise<Ended> {
    const ordered = new Ordered({ role: "cli", born: "now", nth: 1, ...order }, world);
    const ended = await glowplug(world, ordered.env("now"), argv);
    expect(ordered.isDone, `${argv.join(" ")}: nobody was killed at ${order.step}: ${ended.stderr}`).toBe(true);
    return ended;
  }
  /** The guest writes one more line, and says when it is on the disk for good. */
  async function write(): Promise<void> {
    const line = `line ${written.length}`;
    expect(await world.ok("exec", "box", "sh", "-c", `echo ${line} >> written && sync && echo synced`)).toBe("synced\n");
    written.push(line);
  }
  /** The machine is started, if it does not run, and has every line. */
  async function expectAll(): Promise<void> {
    const started = await glowplug(world, world.env, ["start", "box"]);
    expect(started.code === 0 || /already running/.test(started.stderr), started.stderr).toBe(true);
    expect(await world.ok("exec", "box", "cat", "written")).toBe(written.map((line) => `${line}\n`).join(""));
  }
  const inspect = async (): Promise<{ State: string; Condition: string }> => (JSON.parse(await world.ok("inspect", "box")) as [{ State: string; Condition: string }])[0];
  function pidOf(role: string): number {
    const children = JSON.parse(readFileSync(join(world.runtime, "box/children.json"), "utf8")) as { role: string; identity: { pid: number } }[];
    return children.findLast((child) => child.role === role)?.identity.pid ?? Number.NaN;
  }

  it("comes of an init that was killed, by the same init", async () => {
    await killing({ step: "init.disk", victim: "cli" }, "init", "--config", "box.yaml");
    expect(await world.ok("list", "--quiet")).toBe("");
    await world.ok("init", "--config", "box.yaml");
  });

  it("comes up by the start after one that was killed while its guest booted", async () => {
    await killing({ role: "keeper", step: "keeper.monitor", victim: "cli" }, "start", "box");
    await world.ok("start", "box");
    await write();
  });

  it("has its network again when gvproxy is killed", async () => {
    const killed = pidOf("forwarder");
    process.kill(killed, "SIGKILL");
    await expect.poll(async () => [identityOf(killed), (await inspect()).Condition], { timeout: 120_000, interval: 500 }).toEqual([undefined, "ok"]);
    await write();
  });

  it("is of use again by the next start when its keeper is killed, and again in the middle of a stop", async () => {
    process.kill((JSON.parse(readFileSync(join(world.runtime, "box/keeper.json"), "utf8")) as { pid: number }).pid, "SIGKILL");
    await expectAll();
    await write();
    await killing({ step: "stop.hooks", victim: "keeper" }, "stop", "box");
    await world.ok("stop", "box");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });

  it("has lost nothing when QEMU is killed while it runs", async () => {
    await expectAll();
    await write();
    process.kill(pidOf("vm"), "SIGKILL");
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], { timeout: 60_000, interval: 500 }).toEqual([[], []]);
    expect(await inspect()).toMatchObject({ State: "stopped", Condition: "broken" });
    await expectAll();
  });

  it("goes when an rm was killed, and leaves nothing", async () => {
    await killing({ step: "stop.asked", victim: "cli" }, "stop", "box");
    await world.ok("stop", "box");
    await killing({ step: "rm.gone", victim: "cli" }, "rm", "--force", "box");
    await world.ok("init", "--config", "box.yaml");
    await world.ok("rm", "--force", "box");
    expect(processesOf(world.folder)).toEqual([]);
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
    console.log(`real machine: ${written.length} lines synced, none lost`);
  });
});

describe(`20 verbs of three processes at once on two real machines (seed ${seed})`, () => {
  it("end as they may, and everything can be removed", async () => {
    const world = new World();
    const env = { ...world.env };
    const machines = ["a", "b"];
    try {
      const init = ["init", "NAME", "--image", "debian-bootstrap", "--disk-size", "8", "--cpus", "1", "--memory", "768", "--forwarder", "FORWARDER"];
      const choice = stormVerbs.filter(({ argv }) => !["cp", "image", "restart"].includes(argv[0] ?? "")).map((verb) => (verb.argv[0] === "init" ? { ...verb, argv: init } : verb));
      const go = (...argv: string[]): Promise<Ended> => glowplug(world, env, argv);
      for (const name of machines) expect(await go(...init.map((word) => word.replace("NAME", name).replace("FORWARDER", "gvproxy")))).toMatchObject({ code: 0 });
      const wrong = await storm(go, { seed, actors: 3, verbs: 20, machines, choice, tell: (line) => console.log(line) });
      const faults = await calm(go, machines, { prune: false });
      const left = [...processesOf(world.folder), ...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))];
      console.log(`real storm ${seed}: 20 verbs, ${wrong.length + faults.length + left.length} failures`);
      expect([wrong, faults, left]).toEqual([[], [], []]);
    } finally {
      await world.close();
    }
  });
});
