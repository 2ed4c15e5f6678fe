import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { makeKeyPair } from "../../core/keys.ts";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { CrashWorld } from "../support/crash/crash-world.ts";
import { faultsOf } from "../support/crash/check.ts";
import { Ordered, type Order } from "../support/crash/order.ts";
import { holdReadOnly, SmallDisk } from "../support/crash/small-disk.ts";
import { TightWorld } from "../support/crash/tight-world.ts";
import { filesBelow, processesOf, program, run, type Ended } from "../support/world.ts";

let world: CrashWorld;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  world = new CrashWorld();
  env = { ...world.env };
  await world.prepare();
});
beforeEach(async () => {
  for (const key of Object.keys(world.env)) delete world.env[key];
  Object.assign(world.env, env);
  behave({});
  await world.put("made");
});
afterAll(() => world.close());

/** Runs a verb under an order. */
async function ordered(order: Order, ...argv: string[]): Promise<Ended> {
  const one = new Ordered({ role: "cli", born: "now", nth: 1, ...order }, world);
  return run(process.execPath, [program, ...argv], { env: one.env("now"), cwd: join(world.folder, "work"), limitMs: 120_000 });
}
const behave = (behaviour: FakeBehaviour["qemu"]): void => world.fakes?.behave({ qemu: behaviour ?? {} });
/** The machine is as good as ever: it starts, is used, stops, goes, and leaves nothing. */
async function expectGood(): Promise<void> {
  await world.ok("start", "box");
  expect(await world.ok("exec", "box", "echo", "a")).toBe("a\n");
  await world.ok("stop", "box");
  expect(await faultsOf(world, { machine: true, data: true })).toEqual([]);
  await world.ok("rm", "--force", "box");
  expect(await faultsOf(world, { machine: false })).toEqual([]);
}

describe("a disk without room", () => {
  it.each([["ENOSPC", "no space is left"], ["EROFS", "the file system is read-only"]])("(%s) is told as what it is by every verb that writes, and the machine is as good as ever when there is some", async (code, words) => {
    for (const argv of [["start", "box"], ["set", "--memory", "512", "box"], ...(code === "EROFS" ? [["rm", "--force", "box"]] : [])]) {
      const ended = await ordered({ writes: true, fail: { code, from: 1 } }, ...argv);
      expect(ended, argv.join(" ")).toMatchObject({ code: 125, stderr: expect.stringContaining(words) as string });
      expect(processesOf(world.folder)).toEqual([]);
    }
    await expectGood();
  });

  it("does not keep a machine running, nor a read-only one", async () => {
    const tight = new TightWorld();
    onTestFinished(() => tight.close());
    await tight.prepare();
    await tight.ok("start", "box");
    tight.small.fill();
    await tight.ok("stop", "box");
    expect(processesOf(tight.folder)).toEqual([]);
    tight.small.makeRoom();
    await tight.ok("start", "box");
    const free = holdReadOnly(join(tight.folder, "data"));
    await tight.ok("stop", "box");
    expect(processesOf(tight.folder)).toEqual([]);
    expect(await tight.ok("list", "--format", "{{.State}}")).toBe("stopped\n");
    expect(await tight.glowplug("start", "box")).toMatchObject({ code: 125, stderr: expect.stringContaining("the file system is read-only") as string });
    free();
    await tight.ok("start", "box");
  });

  it("is given some by rm and image prune, which need none, also of a machine that runs", async () => {
    const tight = new TightWorld();
    onTestFinished(() => tight.close());
    await tight.prepare();
    await tight.ok("image", "pull", "./other.raw");
    await tight.ok("start", "box");
    tight.small.fill();
    await tight.ok("image", "prune", "--force");
    expect(JSON.parse(await tight.ok("image", "ls", "--format", "json"))).toHaveLength(1);
    tight.small.makeRoom();
    tight.small.fill();
    await tight.ok("rm", "--force", "box");
    expect(await tight.ok("list", "--quiet")).toBe("");
    tight.small.makeRoom();
    expect(await faultsOf(tight, { machine: false })).toEqual([]);
  });
});

describe("a clock that jumps", () => {
  const year = 366 * 86_400_000;
  it("a year ahead in the middle of a start breaks nothing, and neither does a year back in the keeper", async () => {
    expect(await ordered({ step: "start.locked", clock: year }, "start", "box")).toMatchObject({ code: 0 });
    await world.ok("stop", "box");
    expect(await ordered({ role: "keeper", step: "keeper.monitor", clock: -year }, "start", "box")).toMatchObject({ code: 0 });
    await world.ok("stop", "box");
    await expectGood();
  });
});

describe("a signal", () => {
  it("undoes what the verb began, at whatever step it comes", async () => {
    for (const [step, signal, status] of [["start.plan", "SIGHUP", 129], ["start.keeper", "SIGTERM", 143]] as const) {
      const ended = await ordered({ step, victim: "cli", signal }, "start", "box");
      expect({ step, code: ended.code }).toEqual({ step, code: status });
      expect(await faultsOf(world, { machine: true, data: true })).toEqual([]);
    }
    await world.ok("rm", "--force", "box");
    for (const [step, signal, status] of [["init.port", "SIGTERM", 143], ["init.seed", "SIGHUP", 129]] as const) {
      expect({ step, code: (await ordered({ step, victim: "cli", signal }, "init", "--config", "box.yaml")).code }).toEqual({ step, code: status });
      expect(await faultsOf(world, { machine: false })).toEqual([]);
    }
  });
});

describe("a terminal that is gone", () => {
  it("does not end a verb half-way: nobody reads its outputs any more", async () => {
    const child = spawn(process.execPath, [program, "start", "box"], { env: world.env, cwd: join(world.folder, "work"), stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    child.stderr.destroy();
    expect((await once(child, "exit"))[0]).toBe(0);
    expect(await world.ok("exec", "box", "echo", "a")).toBe("a\n");
  });
});

describe("a port", () => {
  it("of ssh that is taken between plan and start is told, and the next start takes another", async () => {
    const go = join(world.folder, "work/go-on");
    const port = world.sshPort ?? 0;
    const server = createServer();
    onTestFinished(() => void server.close());
    const log = join(world.folder, "steps.jsonl");
    const started = ordered({ step: "start.plan", until: go }, "start", "box");
    await expect.poll(() => existsSync(log) && readFileSync(log, "utf8").includes('"start.plan"'), { timeout: 60_000 }).toBe(true);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    writeFileSync(go, "");
    expect(await started).toMatchObject({ code: 125, stderr: expect.stringMatching(/gvproxy exited with 1 before the machine was up[\s\S]*address already in use/) as string });
    expect(processesOf(world.folder)).toEqual([]);
    expect((await world.glowplug("start", "box")).stderr).toContain(`port conflict on machine ssh port [${port}], reassigning`);
    expect(await world.ok("exec", "box", "echo", "a")).toBe("a\n");
  });
});

describe("a QEMU that", () => {
  it("hangs is ended by stop all the same, and by a forced one at once", async () => {
    for (const argv of [["stop", "--timeout", "1s", "box"], ["stop", "--force", "box"]]) {
      await world.ok("start", "box");
      const children = JSON.parse(readFileSync(join(world.runtime, "box/children.json"), "utf8")) as { role: string; identity: { pid: number } }[];
      process.kill(children.find(({ role }) => role === "vm")?.identity.pid ?? 0, "SIGSTOP");
      await world.ok(...argv);
      expect(processesOf(world.folder)).toEqual([]);
    }
    await expectGood();
  });

  it("complains without end, and whose guest fills its console, fills no disk", async () => {
    behave({ stderrFlood: 64 * 2 ** 20, consoleFlood: 32 * 2 ** 20 });
    await world.ok("start", "box");
    const sizeOf = (log: string): number => [log, `${log}.1`].map((name) => statSync(join(world.folder, "data/glowplug/machines/box/logs", name), { throwIfNoEntry: false })?.size ?? 0).reduce((sum, size) => sum + size, 0);
    await expect.poll(() => sizeOf("vm.log"), { timeout: 20_000 }).toBeLessThanOrEqual(5 * 2 ** 20);
    expect(sizeOf("serial.log")).toBeGreaterThan(2 ** 20);
    expect(sizeOf("serial.log")).toBeLessThanOrEqual(9 * 2 ** 20);
  });
});

describe("a guest that", () => {
  it("answers with another host key is refused, with the reason, and nothing is left", async () => {
    const ignition = join(world.folder, "data/glowplug/machines/box/ignition.json");
    const kept = readFileSync(ignition, "utf8");
    writeFileSync(ignition, withOtherHostKey(kept));
    expect(await world.glowplug("start", "box")).toMatchObject({ code: 125, stderr: expect.stringMatching(/host key/i) as string });
    expect(processesOf(world.folder)).toEqual([]);
    writeFileSync(ignition, kept);
    await world.ok("start", "box");
  });

  it("has no ssh is told by its phase", async () => {
    behave({ authorizedKey: "ssh-ed25519 AAAA" });
    const ignition = join(world.folder, "data/glowplug/machines/box/ignition.json");
    const kept = readFileSync(ignition, "utf8");
    writeFileSync(ignition, JSON.stringify({ ...JSON.parse(kept) as object, storage: {}, passwd: {} }));
    expect(await world.glowplug("start", "box", "--deadline", "ssh=2s")).toMatchObject({ code: 125, stderr: expect.stringContaining("waited 2 s for ssh") as string });
    writeFileSync(ignition, kept);
    behave({});
    await world.ok("start", "box");
  });
});

describe("folders", () => {
  it("with blanks, commas and letters of another script serve as well as others, in a locale of another script", async () => {
    const odd = join(world.folder, "ein Ort, 場所");
    for (const name of ["data", "config", "cache", "run", "tmp"]) mkdirSync(join(odd, name), { recursive: true, mode: 0o700 });
    Object.assign(world.env, {
      XDG_DATA_HOME: join(odd, "data"), XDG_CONFIG_HOME: join(odd, "config"), XDG_CACHE_HOME: join(odd, "cache"), XDG_RUNTIME_DIR: join(odd, "run"), TMPDIR: join(odd, "tmp"),
      GLOWPLUG_STORE: join(odd, "images"), LANG: "ja_JP.UTF-8", LC_ALL: "ja_JP.UTF-8",
    });
    await world.ok("init", "--config", "box.yaml");
    await world.ok("start", "box");
    expect(await world.ok("exec", "box", "echo", "場所")).toBe("場所\n");
    await world.ok("rm", "--force", "box");
    expect(processesOf(world.folder)).toEqual([]);
  });

  it("whose sockets just fit serve, and those a byte too long are told before anything is begun", async () => {
    // The longest socket of a machine: net/api.sock of the forwarder's.
    const rest = "/glowplug/box/net/api.sock".length;
    for (const [bytes, fits] of [[103, true], [104, false]] as const) {
      const folder = join(world.folder, "r".repeat(bytes - rest - world.folder.length - 1));
      mkdirSync(folder, { mode: 0o700 });
      world.env["XDG_RUNTIME_DIR"] = folder;
      const ended = await world.glowplug("start", "box");
      if (fits) {
        expect(ended).toMatchObject({ code: 0 });
        await world.ok("stop", "box");
      } else {
        expect(ended).toMatchObject({ code: 125, stderr: expect.stringMatching(/has 104 bytes; 103 is the most that fits\nhint: /) as string });
        expect([processesOf(world.folder), filesBelow(folder)]).toEqual([[], []]);
      }
    }
  });

  it("that are named do without a home, and without HOME and names the reason is told", async () => {
    delete world.env["HOME"];
    await world.ok("start", "box");
    expect(await world.ok("exec", "box", "echo", "a")).toBe("a\n");
    await world.ok("stop", "box");
    const nobody = 54_321; // stands in no list of users
    const { XDG_DATA_HOME: _, ...nameless } = world.env;
    const copy = join(world.folder, "program");
    cpSync(dirname(program), copy, { recursive: true });
    chmodSync(world.folder, 0o755);
    expect(await run(process.execPath, [join(copy, "glowplug.js"), "list"], { env: nameless, cwd: "/", uid: nobody })).toMatchObject({ code: 125, stderr: expect.stringContaining("there is no home folder: HOME is not set") as string });
    rmSync(copy, { recursive: true });
  });

  it("on another file system than the image store serve as well", async () => {
    await world.ok("rm", "--force", "box");
    const disk = new SmallDisk(join(world.folder, "elsewhere"), "32m");
    try {
      world.env["GLOWPLUG_STORE"] = join(disk.path, "images");
      await world.ok("init", "--config", "box.yaml");
      await world.ok("start", "box");
      await world.ok("rm", "--force", "box");
      expect(await world.ok("image", "prune", "--force")).toContain("Total reclaimed space");
    } finally {
      for (const line of processesOf(world.folder)) process.kill(Number.parseInt(line), "SIGKILL");
      disk.remove();
    }
  });
});

/** The config with another key in the place of the guest's host key. */
function withOtherHostKey(text: string): string {
  const config = JSON.parse(text) as { storage: { files: { path: string; contents?: { source?: string } }[] } };
  const { privateKey } = makeKeyPair("another host");
  for (const file of config.storage.files) if (file.path === "/etc/ssh/ssh_host_ed25519_key" && file.contents) file.contents.source = `data:,${encodeURIComponent(privateKey)}`;
  return JSON.stringify(config);
}
