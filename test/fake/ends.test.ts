import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { filesBelow, processesOf, World } from "../support/world.ts";

let world: World;
afterEach(() => world.close());

const inspect = (): Promise<Inspected> => inspectIn(world, "box");
const settled = { timeout: 40_000, interval: 200 };

/** A machine that runs on fake programs. Each `afterStart` of its script is a line in the file "said". */
async function machine(extra = "", behaviour: FakeBehaviour = {}): Promise<void> {
  world = new World(behaviour);
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.ts", `import { appendFileSync } from "node:fs";
export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "slirp", podman: false, ${extra}
  afterStart: async ({ ssh }) => appendFileSync(${JSON.stringify(join(world.folder, "said"))}, (await ssh.exec("echo up")).stdout),
};\n`);
  await world.ok("up", "./box.ts");
}
const said = (): string => readFileSync(join(world.folder, "said"), "utf8");
async function killVm(): Promise<void> {
  process.kill((await inspect()).Processes.find(({ Name }) => Name === "qemu")?.Pid ?? Number.NaN, "SIGKILL");
}

describe("a machine that nobody stopped", () => {
  it.each<[string, string, Partial<Inspected>]>([
    ["powered off from within", "sudo poweroff", { Condition: "ok", Reason: expect.stringMatching(/^the guest powered off, at 20/) as string }],
    ["panicked", "echo c | sudo tee /proc/sysrq-trigger", { Condition: "broken", Reason: expect.stringMatching(/^the guest panicked: sysrq triggered crash, at 20/) as string }],
  ])("because its guest %s is stopped, with the reason, until it is started again", async (_, command, found) => {
    await machine();
    await world.glowplug("ssh", "box", command);
    await expect.poll(async () => (await inspect()).State, settled).toBe("stopped");
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], settled).toEqual([[], []]);
    const { Ended, ...rest } = await inspect();
    expect(rest).toMatchObject(found);
    expect(rest.Reason).toBe(`${Ended?.Reason}, at ${Ended?.At}`);
    expect(await world.ok("list", "--format", "{{.State}}: {{.Reason}}")).toBe(`stopped: ${rest.Reason}\n`);
    await world.ok("start", "box");
    expect(await inspect()).toMatchObject({ State: "running", Reason: "", Ended: null });
    await world.ok("stop", "box");
    expect(await inspect()).toMatchObject({ State: "stopped", Reason: "", Ended: null });
  });

  it("because its VM was killed is stopped, with the reason", async () => {
    await machine();
    await killVm();
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(/^qemu was ended by SIGKILL, at 20/);
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], settled).toEqual([[], []]);
  });

  it("is started again where its spec says so, with its hooks, and tells it", async () => {
    await machine(`restart: "on-failure",`);
    expect(said()).toBe("up\n");
    await killVm();
    await expect.poll(said, settled).toBe("up\nup\n");
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Restarts: { Count: 1, Reason: "qemu was ended by SIGKILL" } });
    expect(await world.ok("exec", "box", "echo", "well")).toBe("well\n");
    // What the guest itself wants is no failure.
    await world.glowplug("ssh", "box", "sudo poweroff");
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(/^the guest powered off, at 20/);
    await expect.poll(() => processesOf(world.folder), settled).toEqual([]);
  });

  it("is degraded where a hook fails after it was started again", async () => {
    await machine(`restart: "always",`);
    world.write("box.ts", readFileSync(join(world.folder, "work/box.ts"), "utf8").replace("afterStart: async", "afterStart: async () => { throw new Error('no luck'); }, beforeStop: async"));
    await killVm();
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "degraded", Reason: expect.stringContaining("plugin box.ts failed in hook afterStart: no luck") as string });
  });
});

describe("a keeper that is sent a signal", () => {
  const keeperPid = (): number => (JSON.parse(readFileSync(join(world.runtime, "box/keeper.json"), "utf8")) as { pid: number }).pid;
  const serial = (): string => readFileSync(join(world.folder, "data/glowplug/machines/box/logs/serial.log"), "utf8");
  const expectDown = async (): Promise<void> => {
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], settled).toEqual([[], []]);
    expect(await inspect()).toMatchObject({ State: "stopped", Condition: "ok", Reason: "", Ended: null });
  };

  it("of a terminal that goes away goes on, and at SIGTERM, as of a host that shuts down, has the guest power off", async () => {
    await machine(`restart: "always",`);
    for (const signal of ["SIGHUP", "SIGINT"] as const) {
      process.kill(keeperPid(), signal);
      expect(await world.ok("exec", "box", "echo", "well")).toBe("well\n");
    }
    process.kill(keeperPid(), "SIGTERM");
    await expectDown();
    expect(serial()).toContain("reboot: Power down");
  });

  it("does not start the machine again where the VM was sent it as well", async () => {
    await machine(`restart: "always",`);
    const pids = [keeperPid(), ...(await inspect()).Processes.map(({ Pid }) => Pid)];
    for (const pid of pids) process.kill(pid, "SIGTERM");
    await expectDown();
  });

  it("takes down what it was bringing up, and the start says so", async () => {
    await machine();
    await world.ok("stop", "box");
    world.fakes?.behave({ qemu: { hang: "before-ready" } });
    const started = world.glowplug("start", "box");
    const events = join(world.folder, "data/glowplug/machines/box/logs/events.jsonl");
    await expect.poll(() => readFileSync(events, "utf8").split('"phase":"ready","action":"begin"').length, settled).toBe(3);
    process.kill(keeperPid(), "SIGTERM");
    expect(await started).toMatchObject({ code: 130, stderr: expect.stringContaining("the start was ended by a stop") as string });
    await expectDown();
  });
});

describe("a guest that reboots", () => {
  it("is no end of its machine, and is well again once it is ready", async () => {
    await machine("", { qemu: { readyMs: 1500 } });
    const { Processes } = await inspect();
    await world.glowplug("ssh", "box", "sudo reboot");
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "degraded", Reason: "the guest is rebooting" });
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Processes });
    expect(await world.ok("exec", "box", "echo", "well")).toBe("well\n");
  });
});
