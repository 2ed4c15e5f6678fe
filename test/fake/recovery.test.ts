import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CrashWorld } from "../support/crash/crash-world.ts";
import { faultsOf } from "../support/crash/check.ts";
import { Ordered, type Order } from "../support/crash/order.ts";
import { inspectIn } from "../support/inspected.ts";
import { program, processesOf, run } from "../support/world.ts";

let world: CrashWorld;
beforeEach(async () => {
  world = new CrashWorld();
  await world.prepare();
});
afterEach(() => world.close());

const files = (name = "box"): string => join(world.folder, "data/glowplug/machines", name);
/** Runs a verb that is killed at a step. */
async function killed(order: Order, ...argv: string[]): Promise<void> {
  const ordered = new Ordered({ role: "cli", born: "now", nth: 1, victim: "cli", ...order }, world);
  await run(process.execPath, [program, ...argv], { env: ordered.env("now"), cwd: join(world.folder, "work") });
  expect(ordered.isDone).toBe(true);
}
const json = async (...argv: string[]): Promise<Record<string, unknown>[]> => JSON.parse(await world.ok(...argv)) as Record<string, unknown>[];

describe("a start that was killed", () => {
  it.each(["start.keeper", "start.up", "start.record", "start.mounted"] as const)("at %s is gone on with by the next one: its hook fires and its record is written", async (step) => {
    const said = join(world.folder, "said");
    const script = world.write("web.ts", `import { appendFileSync } from "node:fs";
export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false, afterStart() { appendFileSync(${JSON.stringify(said)}, "up\\n"); } };\n`);
    await world.ok("init", script);
    await killed({ step }, "start", "web");
    expect(existsSync(said)).toBe(false);
    // A keeper that nobody has asked for anything yet would end by itself: no time is lost there.
    if (step !== "start.keeper") expect(await inspectIn(world, "web")).toMatchObject({ State: "running", Condition: "degraded", Reason: "its start did not get to its end: it was killed; `glowplug start web` goes on with it" });
    await world.ok("start", "web");
    expect(readFileSync(said, "utf8")).toBe("up\n");
    const record = JSON.parse(readFileSync(join(files("web"), "machine.json"), "utf8")) as { lastUp: string | null; last: { accelerators: unknown[] } };
    expect([record.lastUp === null, record.last.accelerators.length > 0]).toEqual([false, true]);
    expect(await world.glowplug("start", "web")).toMatchObject({ code: 125, stderr: expect.stringContaining("already running") as string });
  });

  it("or could not mount a volume once the machine was up, is gone on with as well", async () => {
    const said = join(world.folder, "said");
    const mounts = join(world.folder, "mounts");
    world.fakes?.behave({ qemu: { commands: [{ match: "mount -t", run: `test -e ${mounts}` }] } });
    const script = world.write("web.ts", `import { appendFileSync } from "node:fs";
export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false, volumes: [${JSON.stringify(`${world.folder}/guest:/data`)}],
  afterStart() { appendFileSync(${JSON.stringify(said)}, "up\\n"); } };\n`);
    await world.ok("init", script);
    expect(await world.glowplug("start", "web")).toMatchObject({ code: 125, stderr: expect.stringContaining("volumes are not as they should be") as string });
    expect(existsSync(said)).toBe(false);
    expect(await inspectIn(world, "web")).toMatchObject({ State: "running", Condition: "degraded", Reason: expect.stringMatching(/^its start did not get to its end: the guest's volumes are not as they should be: .*; `glowplug start web` goes on with it$/) as string });
    writeFileSync(mounts, "");
    await world.ok("start", "web");
    expect(readFileSync(said, "utf8")).toBe("up\n");
    expect(await inspectIn(world, "web")).toMatchObject({ State: "running", Condition: "ok", Reason: "" });
  });

  it("before it could ask its keeper leaves one that ends by itself, and takes nothing of the next start's with it", async () => {
    const goOn = join(world.folder, "go-on");
    await killed({ role: "keeper", step: "keeper.listening", victim: "cli", until: goOn }, "start", "box");
    const [stray = ""] = processesOf(world.folder);
    expect(stray).toContain("glowplug keeper box");
    await world.ok("start", "box");
    writeFileSync(goOn, "");
    await expect.poll(() => processesOf(world.folder), { timeout: 20_000 }).not.toContain(stray);
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
  });
});

describe("a process that its keeper was killed before it could write it down", () => {
  it.each([["forwarder", 1], ["VM", 2]] as const)("is found, and ended by the next verb: the %s", async (_, nth) => {
    await killed({ role: "keeper", step: "keeper.spawned", nth, victim: "keeper" }, "start", "box");
    await world.ok("stop", "box");
    expect(processesOf(world.folder)).toEqual([]);
  });
});

describe("a damaged record", () => {
  beforeEach(async () => {
    world.write("other.yaml", "name: other\nimage: ./base.raw\ndisk: 1GiB\ncpus: 1\nmemory: 256MiB\nforwarder: slirp\npodman: false\n");
    await world.ok("init", "--config", "other.yaml");
  });

  it("is served by its copy, and put right by the next verb that changes the machine, which keeps what stood there", async () => {
    writeFileSync(join(files(), "machine.json"), "");
    const list = await world.glowplug("list", "--format", "{{.Name}} {{.State}}");
    expect(list).toMatchObject({ code: 0, stdout: "box stopped\nother stopped\n", stderr: expect.stringContaining("its copy serves") as string });
    expect((await world.glowplug("start", "box")).stderr).toContain(`its copy takes its place, and what stood there is kept in ${join(files(), "machine.json.damaged")}`);
    expect(await world.glowplug("list", "--quiet")).toEqual({ code: 0, stdout: "box\nother\n", stderr: "" });
    expect(await world.ok("exec", "box", "echo", "a")).toBe("a\n");
  });

  it.each(["", "\0\0\0\0", '{"version":1}', "[]"])("without a good copy (%j) is shown as broken, and neither hides nor hinders another machine", async (text) => {
    for (const name of ["machine.json", "machine.json.copy"]) writeFileSync(join(files(), name), text);
    expect(await json("list", "--format", "json")).toMatchObject([{ Name: "other", State: "stopped" }, { Name: "box", State: "unknown", Condition: "broken" }]);
    await world.ok("start", "other");
    expect(await world.ok("exec", "other", "echo", "a")).toBe("a\n");
    for (const argv of [["start", "box"], ["init", "--config", "box.yaml"], ["set", "--memory", "512", "box"]]) {
      expect(await world.glowplug(...argv)).toMatchObject({ code: 125, stderr: expect.stringMatching(/the record of machine "box" is damaged[\s\S]*\nhint: .*rm --force box/) as string });
    }
    await world.ok("stop", "other");
    await world.ok("rm", "--force", "other");
    expect(world.hasGuestData).toBe(true);
    await world.ok("rm", "--force", "box");
    expect(await faultsOf(world, { machine: false })).toEqual([]);
  });

  it("does not keep a machine from being stopped, and a machine that runs from being removed", async () => {
    for (const end of [["stop", "box"], ["stop", "--force", "box"], ["rm", "--force", "box"]]) {
      const record = readFileSync(join(files(), "machine.json"), "utf8");
      await world.ok("start", "box");
      for (const name of ["machine.json", "machine.json.copy"]) writeFileSync(join(files(), name), "");
      await world.ok(...end);
      expect(processesOf(world.folder)).toEqual([]);
      if (end[0] === "stop") for (const name of ["machine.json", "machine.json.copy"]) writeFileSync(join(files(), name), record);
    }
    expect(existsSync(files())).toBe(false);
  });

  it("that is a folder is damaged as well, and goes by force", async () => {
    const { rmSync } = await import("node:fs");
    rmSync(join(files(), "machine.json"));
    mkdirSync(join(files(), "machine.json"));
    expect(await world.glowplug("list", "--quiet")).toMatchObject({ code: 0, stdout: "other\nbox\n" });
    await world.ok("rm", "--force", "box");
    expect(existsSync(files())).toBe(false);
  });
});

describe("files of a machine that is no more", () => {
  it("and were to stay are not written over", async () => {
    appendFileSync(world.disk, "mine");
    await world.ok("rm", "--force", "--save-image", "box");
    expect(await world.glowplug("init", "--config", "box.yaml")).toMatchObject({ code: 125, stderr: expect.stringContaining(`files of one that was removed were kept: ${world.disk}, ${files()}/id_ed25519, ${files()}/id_ed25519.pub\nhint: Move them away`) as string });
    expect(readFileSync(world.disk, "latin1").endsWith("mine")).toBe(true);
  });

  it("and were left by a killed init go with the next machine, also one of another name, and with rm", async () => {
    await world.ok("rm", "--force", "box");
    for (const next of [["init", "--config", "other.yaml"], ["init", "--config", "box.yaml"], ["rm", "box"]]) {
      await killed({ step: "init.disk" }, "init", "--config", "box.yaml");
      expect(existsSync(world.disk)).toBe(true);
      world.write("other.yaml", `name: other${next.length}\nimage: ./base.raw\ndisk: 1GiB\ncpus: 1\nmemory: 256MiB\nforwarder: slirp\npodman: false\n`);
      const ended = await world.glowplug(...next);
      expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("cleared away what a killed init left of box") as string });
      if (next[1] === "--config" && next[2] === "box.yaml") await world.ok("rm", "--force", "box");
      expect(existsSync(world.disk)).toBe(false);
    }
  });
});
