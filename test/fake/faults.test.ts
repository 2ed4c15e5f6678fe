import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { freePort, holdPort } from "../support/free-port.ts";
import { filesBelow, processesOf, program, World } from "../support/world.ts";
import type { FakeBehaviour } from "../fixtures/fakes.ts";

let world: World;
async function machine(behaviour: FakeBehaviour = {}, extra = "", forwarder = "gvproxy"): Promise<World> {
  world = new World({});
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.ts", `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "${forwarder}", podman: false, ${extra} };\n`);
  await world.ok("init", "./box.ts");
  world.fakes?.behave(behaviour);
  return world;
}
afterEach(async () => world.close());

/** Nothing runs, nothing listens, and the next start works. */
async function expectClean(): Promise<void> {
  expect(processesOf(world.folder)).toEqual([]);
  expect(filesBelow(world.runtime)).toEqual([]);
  world.fakes?.behave({});
  await world.ok("start", "box");
}

describe("a start that fails", () => {
  it.each<[string, FakeBehaviour, RegExp]>([
    ["QEMU refuses its command line", { qemu: { exitAtStart: "-device foo: no such device" } }, /qemu exited with 1 before the machine was up[\s\S]*no such device/],
    ["QEMU dies while the guest boots", { qemu: { hang: "before-ready", exitAfterMs: 200, exitCode: 3 } }, /qemu exited with 3 before the machine was up/],
    ["gvproxy refuses its command line", { gvproxy: { exitAtStart: "bad flag" } }, /gvproxy exited with 1 before the machine was up[\s\S]*bad flag/],
    ["Ignition fails in the guest", { qemu: { hang: "before-ready", ignitionError: "no such group" } }, /Ignition failed in the guest[\s\S]*no such group/],
    ["the first boot's commands fail", { qemu: { readyLine: "Failed first boot: command 1: exit status 3" } }, /first boot: command 1: exit status 3/],
  ])("because %s says so and leaves nothing", async (_, behaviour, message) => {
    await machine(behaviour);
    const ended = await world.glowplug("start", "box");
    expect(ended.code).toBe(125);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).toMatch(/^hint: /m);
    await expectClean();
  });

  it.each<[string, boolean | "silent"]>([["no socket of it", false], ["a socket of it that does not answer", "silent"]])("because the guest has no podman, and %s, says so at once", async (_, api) => {
    await machine({ qemu: { api, commands: [{ match: "command -v podman", run: "echo 'the guest has no podman: take another image'" }] } });
    world.write("box.ts", readFileSync(join(world.folder, "work/box.ts"), "utf8").replace("podman: false", "podman: true"));
    expect(await world.glowplug("start", "box", "--deadline", "probe=8s")).toMatchObject({ code: 125, stderr: expect.stringContaining("Error: the guest has no podman: take another image (in probe)") as string });
    await expectClean();
  });

  it("because a port is taken names the process that holds it", async () => {
    const port = await freePort();
    await machine({}, `ports: ["${port}:80"]`);
    const holder = await holdPort(port);
    try {
      const ended = await world.glowplug("start", "box");
      expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining(`port ${port}/tcp of the host is taken by node`) });
      expect(ended.stderr).toContain(`(process ${process.pid})`);
    } finally {
      await holder.close();
    }
    await expectClean();
  });

  it("is done once more when the guest shows no sign of life, and says so", async () => {
    await machine({ qemu: { hang: "before-life", times: 1, accelerators: [] } }, `async afterStart() {}`);
    const ended = await world.glowplug("start", "box", "--deadline", "life=1s");
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("showed no sign of life under tcg; it is started once more") });
  });

  it.each<[string, FakeBehaviour, string]>([
    ["life", { qemu: { hang: "before-life" } }, "the guest's first sign of life"],
    ["ready", { qemu: { hang: "before-ready" } }, "the guest to be ready"],
    ["monitor", { qemu: { ignoreQmp: true } }, "the VM's monitor"],
  ])("at the deadline of phase %s names the phase and shows the console", async (phase, behaviour, title) => {
    await machine(behaviour);
    const ended = await world.glowplug("start", "box", "--deadline", `${phase}=1s`);
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain(`waited 1 s for ${title}`);
    if (phase === "ready") expect(ended.stderr).toContain("Linux version");
    await expectClean();
  });
});

describe("Ctrl-C", () => {
  it.each<[string, FakeBehaviour]>([
    ["QEMU's monitor is waited for", { qemu: { hang: "before-monitor" } }],
    ["the first sign of life is waited for", { qemu: { hang: "before-life" } }],
    ["the ready line is waited for", { qemu: { hang: "before-ready" } }],
    ["the forwarder is waited for", { gvproxy: { neverListen: true } }],
  ])("while %s ends the start and undoes it", async (_, behaviour) => {
    await machine(behaviour);
    const started = spawn(process.execPath, [program, "start", "box"], { env: world.env, cwd: join(world.folder, "work"), stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    const booting = new Promise<void>((resolve) => {
      started.stderr.on("data", (bytes: Buffer) => {
        stderr += bytes.toString();
        if (stderr.includes("booting box")) resolve();
      });
    });
    const ended = new Promise<number | null>((resolve) => started.once("close", (code) => resolve(code)));
    await booting;
    started.kill("SIGINT");
    expect(await ended).toBe(130);
    await expectClean();
  });
});

describe("a machine that runs", () => {
  it("is noticed to be gone when its VM dies, and everything else ends", async () => {
    await machine({ qemu: { exitAfterMs: 1500, exitCode: 1 } });
    await world.ok("start", "box");
    const events = await world.glowplug("logs", "box", "events");
    expect(events.code).toBe(0);
    await expect.poll(() => processesOf(world.folder), { timeout: 15_000 }).toEqual([]);
    expect(JSON.parse(await world.ok("inspect", "box"))[0]).toMatchObject({ State: "stopped" });
    world.fakes?.behave({});
    await world.ok("start", "box");
  });

  it("whose keeper was killed is cleared away by the next stop, and starts again", async () => {
    await machine();
    await world.ok("start", "box");
    const { readFileSync } = await import("node:fs");
    const keeper = JSON.parse(readFileSync(join(world.runtime, "box/keeper.json"), "utf8")) as { pid: number };
    process.kill(keeper.pid, "SIGKILL");
    await expect.poll(async () => JSON.parse(await world.ok("inspect", "box"))[0].Condition, { timeout: 10_000 }).toBe("orphaned");
    await world.ok("stop", "box");
    await expectClean();
  });
});

describe("a guest that ignores the power button", () => {
  it("is ended after the time it was given", async () => {
    await machine({ qemu: { ignorePowerdown: true } });
    await world.ok("start", "box");
    await world.ok("stop", "--timeout", "1s", "box");
    expect(processesOf(world.folder)).toEqual([]);
  });
});
