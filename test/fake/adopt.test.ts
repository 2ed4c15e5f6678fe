import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { CrashWorld } from "../support/crash/crash-world.ts";
import { Ordered, type Order } from "../support/crash/order.ts";
import { writeRawDisk } from "../support/disks.ts";
import { freePort } from "../support/free-port.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { filesBelow, processesOf, program, run, World, type Ended } from "../support/world.ts";

// Some run a dozen commands, each of which takes seconds on a busy host.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
afterEach(() => world.close());

interface Noted {
  readonly name: string;
  readonly role: string;
  readonly identity: { readonly pid: number };
}
const inspect = (name = "box"): Promise<Inspected> => inspectIn(world, name);
const keeperPid = (name = "box"): number => (JSON.parse(readFileSync(join(world.runtime, name, "keeper.json"), "utf8")) as { pid: number }).pid;
/** The processes that a keeper has written down, by role. */
const noted = (role: string, name = "box"): number => (JSON.parse(readFileSync(join(world.runtime, name, "children.json"), "utf8")) as Noted[]).find((one) => one.role === role)?.identity.pid ?? Number.NaN;
const log = (name: "serial.log" | "events.jsonl"): string => readFileSync(join(world.folder, "data/glowplug/machines/box/logs", name), "utf8");
const adoptions = (): number => log("events.jsonl").split("looks after the machine now").length - 1;
const settled = { timeout: 40_000, interval: 200 };

async function killPid(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
}
const killKeeper = (name = "box"): Promise<void> => killPid(keeperPid(name));

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** A page on this host, which is the fake guest's as well. */
async function servePage(): Promise<number> {
  const server = createServer((_, answer) => answer.end("from the guest")).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
const page = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).text();

/** A machine with a page on a published port. */
async function machineWithPage(): Promise<{ readonly published: number; readonly before: { readonly keeper: number; readonly vm: number }; readonly forwarder: number }> {
  const guest = await servePage();
  const published = await freePort();
  await machine(`ports: ["${published}:${guest}"],`);
  return { published, before: { keeper: keeperPid(), vm: noted("vm") }, forwarder: noted("forwarder") };
}

/** The answer of podman's API, or why there is none. */
function ping(): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ socketPath: join(world.runtime, "box/podman.sock"), path: "/_ping" }, (answer) => answer.resume().on("end", () => resolve(String(answer.statusCode))));
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(String(error.code))).end();
  });
}

/** A machine that runs on fake programs. Each `afterStart` of its script is a line in the file "said". */
async function machine(extra = "", behaviour: FakeBehaviour = {}): Promise<void> {
  world = new World(behaviour);
  for (const name of ["guest", "work/src", "work/more"]) mkdirSync(join(world.folder, name));
  world.fakes?.behave({ ...behaviour, qemu: { files: join(world.folder, "guest"), ...behaviour.qemu } });
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("file", "a file\n");
  world.write("box.ts", `import { appendFileSync } from "node:fs";
export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy", ${extra}
  afterStart: () => appendFileSync(${JSON.stringify(join(world.folder, "said"))}, "up\\n"),
  beforeStop: async ({ ssh }) => appendFileSync(${JSON.stringify(join(world.folder, "asked"))}, (await ssh.exec("echo asked")).stdout),
};\n`);
  await world.ok("up", "./box.ts");
}
const said = (): string => readFileSync(join(world.folder, "said"), "utf8");

/** The machine runs, and is looked after by another keeper than that one. */
async function expectAdopted(before: { readonly keeper: number; readonly vm: number; readonly forwarder?: number }): Promise<void> {
  await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
  const { State, Keeper, Processes } = await inspect();
  expect(State).toBe("running");
  expect(Keeper?.Pid).not.toBe(before.keeper);
  expect(Processes).toContainEqual(expect.objectContaining({ Name: "qemu", Pid: before.vm }));
  if (before.forwarder !== undefined) expect(Processes).toContainEqual(expect.objectContaining({ Name: "gvproxy", Pid: before.forwarder }));
}

describe("a machine whose keeper was killed", () => {
  it("goes on, is told of as it is, and has all that it had once the next command has given it another keeper", async () => {
    const guest = await servePage();
    const [published, added] = [await freePort(), await freePort()];
    await machine(`ports: ["${published}:${guest}"], volumes: ["./src:/srv/src"],`);
    await world.ok("port", "add", "box", `${added}:${guest}`);
    await world.ok("volume", "add", "box", "./more:/mnt/more");
    const [ports, volumes] = [await world.ok("port", "ls", "box"), await world.ok("volume", "ls", "box")];
    const before = { keeper: keeperPid(), vm: noted("vm"), forwarder: noted("forwarder") };
    const { LastUp, HostKey } = await inspect();
    await killKeeper();

    expect(await inspect()).toMatchObject({ State: "running", Condition: "orphaned", Keeper: null, Reason: expect.stringMatching(/^its keeper was lost; gvproxy, virtiofsd .*, qemu.* still run, and the next command that needs it gives it another keeper$/) as string });
    expect(await world.ok("list", "--format", "{{.VMType}} {{.State}} {{.Condition}}")).toBe("qemu running orphaned\n");
    expect((await world.glowplug("doctor", "box")).stdout).toMatch(/box runs without its keeper[\s\S]*glowplug start box/);
    expect(await page(published)).toBe("from the guest");
    expect(await ping()).toBe("ECONNREFUSED");
    expect(isAlive(keeperPid())).toBe(false);

    expect(await world.glowplug("exec", "box", "echo", "still here")).toEqual({ code: 0, stdout: "still here\n", stderr: expect.stringContaining("box had lost its keeper, and has another now") as string });
    await expectAdopted(before);
    expect(await inspect()).toMatchObject({ LastUp, HostKey, Reason: "" });
    expect([await world.ok("port", "ls", "box"), await world.ok("volume", "ls", "box")]).toEqual([ports, volumes]);
    expect([await page(published), await page(added), await ping()]).toEqual(["from the guest", "from the guest", "200"]);
    expect(said()).toBe("up\n");

    await world.ok("volume", "rm", "box", "/mnt/more");
    await world.ok("port", "rm", "box", String(added));
    await world.ok("stop", "box");
    expect(log("serial.log")).toContain("reboot: Power down");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });

  it("is given another by whatever is asked of it, each time anew", async () => {
    await machine('volumes: ["./src:/srv/src"],');
    world.write("handle.ts", 'import { openMachine } from "glowplug";\nconst box = await openMachine("box");\nconsole.log((await box.exec(["echo", "by a handle"])).stdout);\n');
    const port = await freePort();
    const vm = noted("vm");
    const refused = 'unable to change settings unless vm is stopped';
    const lines: readonly (readonly [argv: readonly string[], Partial<Ended>])[] = [
      [["ssh", "box", "echo", "by ssh"], { code: 0, stdout: "by ssh\n" }],
      [["cp", "./file", "box:/copied"], { code: 0 }],
      [["port", "add", "box", `${port}:80`], { code: 0 }],
      [["port", "ls", "box"], { code: 0, stdout: expect.stringContaining(String(port)) as string }],
      [["volume", "add", "box", "./more:/mnt/more"], { code: 0, stdout: expect.not.stringContaining("next start") as string }],
      [["volume", "ls", "box"], { code: 0, stdout: expect.stringMatching(/mnt\/more.*mounted/) as string }],
      [["env", "box"], { code: 0, stdout: expect.stringContaining("podman.sock") as string }],
      [["set", "--memory", "512", "box"], { code: 125, stderr: expect.stringContaining(refused) as string }],
      [["start", "box"], { code: 0, stdout: expect.stringContaining('Machine "box" started successfully') as string }],
      [["up", "./box.ts"], { code: 0, stdout: expect.stringContaining('Machine "box" is running already') as string }],
      [["run", "./handle.ts"], { code: 0, stdout: expect.stringContaining("by a handle") as string }],
    ];
    for (const [index, [argv, wanted]] of lines.entries()) {
      const keeper = keeperPid();
      await killKeeper();
      expect(await world.glowplug(...argv), argv.join(" ")).toMatchObject(wanted);
      await expectAdopted({ keeper, vm });
      expect(adoptions()).toBe(index + 1);
    }
    expect(said()).toBe("up\n");
    await killKeeper();
    await world.ok("restart", "box");
    expect(log("serial.log")).toContain("reboot: Power down");
    expect(noted("vm")).not.toBe(vm);
    expect([said(), readFileSync(join(world.folder, "asked"), "utf8")]).toEqual(["up\nup\n", "asked\n"]);
    await killKeeper();
    expect(await world.glowplug("rm", "box")).toMatchObject({ code: 125, stderr: expect.stringContaining('running vm "box" cannot be destroyed') as string });
    await world.ok("rm", "--force", "box");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });

  it("is given one other by several commands at once", async () => {
    await machine();
    const before = { keeper: keeperPid(), vm: noted("vm"), forwarder: noted("forwarder") };
    await killKeeper();
    const all = await Promise.all([["exec", "box", "echo", "1"], ["ssh", "box", "echo 2"], ["cp", "./file", "box:/a"], ["port", "ls", "box"], ["start", "box"], ["exec", "box", "echo", "3"]].map((argv) => world.glowplug(...argv)));
    const [start] = all.splice(4, 1);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    if (start?.code !== 0) expect(start?.stderr).toContain("already running");
    expect(adoptions()).toBe(1);
    await expectAdopted(before);
  });

  it("is stopped in order by several at once, its guest asked first", async () => {
    await machine("", { qemu: { shutDownMs: 1000 } });
    await killKeeper();
    const all = await Promise.all([1, 2, 3].map(() => world.glowplug("stop", "box")));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(log("serial.log")).toContain("reboot: Power down");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
    expect(await inspect()).toMatchObject({ State: "stopped", Condition: "ok", Reason: "" });
  });

  it.each([["a command", ["exec", "box", "true"]], ["stop --force", ["stop", "--force", "box"]]] as const)("together with its VM is stopped, and starts anew, whatever %s finds", async (_, argv) => {
    await machine();
    // So it stays when its VM goes.
    process.kill(noted("forwarder"), "SIGSTOP");
    await killKeeper();
    await killPid(noted("vm"));
    expect(await inspect()).toMatchObject({ State: "stopped", Condition: "orphaned", Reason: "its VM and its keeper are gone, but gvproxy still run; the next start or stop ends them" });
    expect((await world.glowplug("doctor", "box")).stdout).toMatch(/processes of box are left[\s\S]*glowplug stop box/);
    const ended = await world.glowplug(...argv);
    if (argv[0] === "exec") expect(ended).toMatchObject({ code: 125, stderr: expect.stringMatching(/vm "box" is not running[\s\S]*hint: Start it with `glowplug start box`/) as string });
    else expect([ended.code, processesOf(world.folder)]).toEqual([0, []]);
    await world.ok("start", "box");
    expect(said()).toBe("up\nup\n");
    expect(await world.ok("exec", "box", "echo", "anew")).toBe("anew\n");
  });

  it("has its forwarder brought back that died in between, with every port", async () => {
    const { published, before, forwarder } = await machineWithPage();
    await killKeeper();
    await killPid(forwarder);
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
    await expectAdopted(before);
    expect(await page(published)).toBe("from the guest");
    expect(noted("forwarder")).not.toBe(forwarder);
  });

  it("while its forwarder was brought back has that done by the next one", async () => {
    const { published, before, forwarder } = await machineWithPage();
    world.fakes?.behave({ gvproxy: { neverListen: true } });
    await killPid(forwarder);
    await expect.poll(() => noted("forwarder"), settled).not.toSatisfy((pid: number) => pid === forwarder || Number.isNaN(pid));
    const half = noted("forwarder");
    await killKeeper();
    world.fakes?.behave({});
    expect(isAlive(half)).toBe(true);
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
    await expectAdopted(before);
    expect(await page(published)).toBe("from the guest");
    expect(isAlive(half)).toBe(false);
  });

  it("has what serves a volume brought back that died in between", async () => {
    await machine('volumes: ["./src:/srv/src"],');
    await killKeeper();
    const helper = noted("helper");
    await killPid(helper);
    await world.ok("exec", "box", "true");
    await expect.poll(inspect, settled).toMatchObject({ State: "running", Condition: "ok", Reason: "" });
    expect(noted("helper")).not.toBe(helper);
  });

  it("and whose VM does not answer is left as it is, but for stop, which ends it", async () => {
    await machine();
    await world.ok("stop", "box");
    await world.ok("start", "--deadline", "monitor=3s", "box");
    const vm = noted("vm");
    await killKeeper();
    process.kill(vm, "SIGSTOP");
    for (const argv of [["exec", "box", "true"], ["start", "box"]]) {
      expect(await world.glowplug(...argv)).toMatchObject({ code: 125, stderr: expect.stringMatching(/box has lost its keeper, and cannot be given another: .*3 s.*monitor[\s\S]*hint: .*`glowplug stop box` ends it/) as string });
      expect([isAlive(vm), (await inspect()).Condition]).toEqual([true, "orphaned"]);
    }
    const stopped = await world.glowplug("stop", "box");
    expect(stopped).toMatchObject({ code: 0, stderr: expect.stringContaining("box has lost its keeper, and cannot be given another") as string });
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });

  it("is on its shared network again", async () => {
    await machine("podman: false,");
    await world.ok("rm", "--force", "box");
    world.write("pair.ts", 'const common = { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false };\nexport default { web: common, db: common };\n');
    await world.ok("up", "./pair.ts");
    // Connected ones have the state 3 in /proc/net/unix: the card, and the other machine.
    const connected = (name: string): number => readFileSync("/proc/net/unix", "utf8").split("\n").filter((line) => line.endsWith(` ${join(world.runtime, name)}`) && line.split(/\s+/)[5] === "03").length;
    const links = (): readonly number[] => [connected("web/lan.sock"), connected("db/lan.sock"), connected("web/lan-own.sock") + connected("db/lan-own.sock")];
    await expect.poll(links, settled).toEqual([1, 1, 1]);
    await killKeeper("web");
    await expect.poll(links, settled).toEqual([0, 1, 0]);
    await world.ok("exec", "web", "true");
    await expect.poll(links, settled).toEqual([1, 1, 1]);
  });
});

describe("a keeper that has taken a machine over", () => {
  it("notices that the guest reboots and powers off", async () => {
    await machine();
    await killKeeper();
    await world.ok("exec", "box", "true");
    await world.glowplug("ssh", "box", "sudo reboot");
    await expect.poll(() => log("events.jsonl"), settled).toMatch(/"state":"rebooting"[\s\S]*"state":"running"/);
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    expect(await world.ok("exec", "box", "echo", "again")).toBe("again\n");
    expect(log("serial.log").match(/Linux version/g)).toHaveLength(2);
    await world.glowplug("ssh", "box", "sudo poweroff");
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(/^the guest powered off, at 20/);
    await expect.poll(() => [processesOf(world.folder), filesBelow(world.runtime)], settled).toEqual([[], []]);
  });

  it("starts the machine again where its spec says so, and knows how often that was", async () => {
    await machine('restart: "on-failure", podman: false,');
    await killPid(noted("vm"));
    await expect.poll(async () => [(await inspect()).Restarts?.Count, said()], settled).toEqual([1, "up\nup\n"]);
    await killKeeper();
    await world.ok("exec", "box", "true");
    expect((await inspect()).Restarts?.Count).toBe(1);
    await killPid(noted("vm"));
    await expect.poll(async () => [(await inspect()).Restarts?.Count, said()], settled).toEqual([2, "up\nup\nup\n"]);
    expect(await world.ok("exec", "box", "echo", "anew")).toBe("anew\n");
  });

  it("brings back a forwarder that dies", async () => {
    const guest = await servePage();
    const published = await freePort();
    await machine(`ports: ["${published}:${guest}"],`);
    await killKeeper();
    await world.ok("exec", "box", "true");
    const forwarder = noted("forwarder");
    await killPid(forwarder);
    await expect.poll(() => noted("forwarder"), settled).not.toSatisfy((pid: number) => pid === forwarder || Number.isNaN(pid));
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    expect([await page(published), await ping()]).toEqual(["from the guest", "200"]);
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
  });
});

describe("a keeper that is killed", () => {
  it("while its guest powers off leaves that to another, which the stop waits for", async () => {
    await machine("", { qemu: { shutDownMs: 2000 } });
    const stopped = world.glowplug("stop", "box");
    await expect.poll(() => log("serial.log"), settled).toContain("Stopping User Manager");
    await killKeeper();
    expect(await stopped).toMatchObject({ code: 0 });
    expect(log("serial.log")).toContain("reboot: Power down");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
    expect(await inspect()).toMatchObject({ State: "stopped", Reason: "" });
  });

  it("while its guest powers off, together with the stop, has the next start wait for that", async () => {
    await machine('restart: "always",', { qemu: { shutDownMs: 6000 } });
    const stop = spawn(process.execPath, [program, "stop", "box"], { env: world.env, stdio: "ignore" });
    await expect.poll(() => log("serial.log"), settled).toContain("Stopping User Manager");
    stop.kill("SIGKILL");
    await killKeeper();
    await world.ok("start", "box");
    expect(log("serial.log")).toMatch(/reboot: Power down[\s\S]*Linux version/);
    expect(said()).toBe("up\nup\n");
    expect(await inspect()).toMatchObject({ State: "running", Condition: "ok", Restarts: null });
  });

  it("before its machine was up leaves one that the next start ends, and says so", async () => {
    const crash = new CrashWorld();
    world = crash;
    await crash.prepare();
    crash.fakes?.behave({ qemu: { hang: "before-ready" } });
    const ordered = new Ordered({ role: "keeper", born: "now", step: "keeper.life", nth: 1, victim: "cli" }, crash);
    await run(process.execPath, [program, "start", "box"], { env: ordered.env("now"), cwd: join(crash.folder, "work") });
    await killKeeper();
    const vm = noted("vm");
    expect(await inspect()).toMatchObject({ State: "running", Condition: "orphaned", Reason: "its keeper was lost; gvproxy, qemu still run, and since it was not up yet the next start or stop ends them" });
    expect(await world.glowplug("exec", "box", "true")).toMatchObject({ code: 125, stderr: expect.stringMatching(/vm "box" is not running: it is orphaned[\s\S]*hint: Start it/) as string });
    crash.fakes?.behave({});
    expect((await world.glowplug("start", "box")).stderr).toContain("ended 2 processes that a lost keeper left behind");
    expect(isAlive(vm)).toBe(false);
    expect(await world.ok("exec", "box", "echo", "up")).toBe("up\n");
  });

  it.each(["keeper.plugged", "keeper.unplugged"] as const)("in the middle of a change of volumes (%s) leaves a machine without that one, and the change can be made again", async (step) => {
    const crash = new CrashWorld();
    world = crash;
    await crash.prepare();
    const ordered = new Ordered({ role: "keeper", born: "before", step, nth: 1, victim: "keeper" }, crash);
    await run(process.execPath, [program, "start", "box"], { env: ordered.env("before"), cwd: join(crash.folder, "work") });
    mkdirSync(join(crash.folder, "work/more"));
    const helpers = (): number => processesOf(crash.folder).filter((line) => line.includes("--shared-dir")).length;
    if (step === "keeper.unplugged") await world.ok("volume", "add", "box", "./more:/mnt/more");
    const argv = step === "keeper.plugged" ? ["volume", "add", "box", "./more:/mnt/more"] : ["volume", "rm", "box", "/mnt/more"];
    expect((await world.glowplug(...argv)).code).toBe(125);
    expect(ordered.isDone).toBe(true);
    expect(await world.ok("volume", "ls", "--noheading", "box")).not.toContain("mounted");
    expect(helpers()).toBe(0);
    await world.ok(...argv);
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    expect([helpers(), (await world.ok("volume", "ls", "box")).includes("mounted")]).toEqual(step === "keeper.plugged" ? [1, true] : [0, false]);
    await world.ok("stop", "box");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });

  it.each<Order>([
    ...(["adopt.plan", "adopt.keeper", "adopt.done"] as const).map((step): Order => ({ role: "cli", step, victim: "cli" })),
    ...(["keeper.listening", "keeper.known", "keeper.asked", "keeper.monitor", "keeper.up"] as const).map((step): Order => ({ role: "keeper", step, victim: "keeper" })),
    ...(["keeper.listening", "keeper.known"] as const).map((step): Order => ({ role: "keeper", step, victim: "cli" })),
  ])("or whose command is, while a machine is taken over, hinders no later one: $victim at $role's $step", async (order) => {
    const crash = new CrashWorld();
    world = crash;
    await crash.prepare();
    await world.ok("start", "box");
    const before = { keeper: keeperPid(), vm: noted("vm"), forwarder: noted("forwarder") };
    await killKeeper();
    const ordered = new Ordered({ born: "now", nth: 1, ...order }, crash);
    await run(process.execPath, [program, "exec", "box", "true"], { env: ordered.env("now"), cwd: join(crash.folder, "work") });
    expect(ordered.isDone).toBe(true);
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
    await expectAdopted(before);
    await world.ok("stop", "box");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });
});
