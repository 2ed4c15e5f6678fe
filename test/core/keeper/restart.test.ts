import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readEnded } from "../../../core/keeper/ended.ts";
import { Keeper } from "../../../core/keeper/keeper.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import { guestWithLogin, scratchFolder } from "../../fixtures/login.ts";
import { freePort } from "../../support/free-port.ts";

/** A VM that tells that it is ready; it ends at once from the boot on that the file beside it names. */
const vm = `
const { connect } = require("node:net"), { appendFileSync, readFileSync } = require("node:fs");
const [ready, folder] = process.argv.slice(1);
appendFileSync(folder + "/boots", "x");
const boots = readFileSync(folder + "/boots", "utf8").length;
connect(ready).end("Ready\\n");
if (boots >= Number(readFileSync(folder + "/dies-from", "utf8"))) setTimeout(() => process.exit(3), 100);
else setInterval(() => {}, 60_000);
`;

interface Machine {
  readonly folder: string;
  readonly keeper: Keeper;
  boots(): number;
  killVm(): void;
}

async function machine(restart: KeeperPlan["restart"], options: { readonly diesFrom?: number; readonly pausesMs?: readonly number[]; readonly plan?: (folder: string) => Partial<KeeperPlan> } = {}): Promise<Machine> {
  const { login, keys } = await guestWithLogin();
  const folder = scratchFolder();
  const [ready, keyFile] = [join(folder, "ready.sock"), join(folder, "key")];
  writeFileSync(keyFile, keys.privateKey);
  writeFileSync(join(folder, "dies-from"), String(options.diesFrom ?? 1000));
  const limit = 20_000;
  const keeper = new Keeper({
    version: 1, token: "1", name: "web", folders: { data: folder, runtime: folder, logs: folder }, helpers: [], accelerator: "tcg",
    vm: { program: process.execPath, argv: ["-e", vm, ready, folder], name: "vm" },
    ready: { kind: "listen", path: ready }, control: { kind: "signal" }, mounts: [],
    ssh: { host: login.host, port: login.port, user: login.user, keyFile, hostKey: login.hostKey }, expose: { kind: "ssh" }, guestPorts: "any", openAtStart: [], ports: [], sockets: [], restart,
    deadlines: { helpersMs: limit, monitorMs: limit, lifeMs: limit, readyMs: limit, sshMs: limit, probeMs: limit }, ...options.plan?.(folder),
  }, { version: "0.0.0", environment: process.env, restartPausesMs: options.pausesMs ?? [10, 10, 10] });
  onTestFinished(() => keeper.stop(true, 0));
  await keeper.bringUp();
  await keeper.up;
  return {
    folder, keeper, boots: () => readFileSync(join(folder, "boots"), "utf8").length,
    killVm: () => void process.kill(keeper.status().children.find(({ role }) => role === "vm")?.pid ?? Number.NaN, "SIGKILL"),
  };
}

describe("a VM that ends by itself", () => {
  it("is the end of its machine, with the reason, where it is not to be started again", async () => {
    const { folder, keeper, killVm } = await machine("never");
    killVm();
    await keeper.ended;
    expect(readEnded(folder)).toEqual({ at: expect.any(String) as string, reason: "vm was ended by SIGKILL", failed: true });
    expect(keeper.status().children).toEqual([]);
  });

  it("is started again where it failed, and tells how often and why", async () => {
    const { folder, keeper, boots, killVm } = await machine("on-failure");
    killVm();
    await expect.poll(() => [boots(), keeper.status().state], { timeout: 15_000 }).toEqual([2, "running"]);
    expect(keeper.status().restarts).toEqual({ count: 1, at: expect.any(String) as string, reason: "vm was ended by SIGKILL" });
    expect(readEnded(folder)).toBeUndefined();
    await keeper.stop(true, 0);
    expect(readEnded(folder)).toBeUndefined();
  });

  it("again and again is started no more after a while, with the reason", async () => {
    const { folder, keeper, boots, killVm } = await machine("on-failure", { diesFrom: 2 });
    killVm();
    await keeper.ended;
    expect(boots()).toBe(4);
    expect(readEnded(folder)).toMatchObject({ failed: true, reason: expect.stringMatching(/^(vm exited with 3|it did not start again: .*); it was started again 3 times in a row, and that is enough$/) as string });
  });

  it("has the ports again that were opened while it ran", async () => {
    const { keeper, boots, killVm } = await machine("always");
    const port = { host: "127.0.0.1", hostPort: await freePort(), guestPort: 22, protocol: "tcp" } as const;
    await keeper.openPort(port);
    killVm();
    await expect.poll(() => [boots(), keeper.status().state], { timeout: 15_000 }).toEqual([2, "running"]);
    expect(keeper.status().ports).toEqual([port]);
    const socket = connect(port.hostPort, port.host);
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  });
});

describe("a stop", () => {
  it("ends a machine that waits to be started again", async () => {
    const { keeper, boots, killVm } = await machine("always", { pausesMs: [60_000] });
    killVm();
    await expect.poll(() => keeper.status().state, { timeout: 15_000 }).toBe("starting");
    await keeper.stop(false, 60_000);
    expect(boots()).toBe(1);
  });

  it("ends one that is on its way up once more", async () => {
    const { folder, keeper, killVm } = await machine("always", { plan: (its) => ({ vm: { program: "/bin/sh", argv: ["-c", `[ -e ${its}/second ] && exec sleep 60; touch ${its}/second; exec ${process.execPath} -e '${vm.replaceAll("'", "'\\''")}' ${its}/ready.sock ${its}`], name: "vm" } }) });
    killVm();
    await expect.poll(() => keeper.status().phase, { timeout: 15_000 }).toBe("ready");
    await keeper.stop(false, 60_000);
    expect(keeper.status().children).toEqual([]);
    expect(readEnded(folder)).toBeUndefined();
  });
});

describe("what comes after a start", () => {
  const after = (script: string) => (folder: string): Partial<KeeperPlan> => ({
    again: { command: { program: "/bin/sh", argv: ["-c", script.replaceAll("FOLDER", folder)], name: "start" }, begun: { accelerators: [], notes: ["a note"] }, begunFile: join(folder, "start.json") },
  });

  it("is left to a process of its own, which is told where to go on", async () => {
    const { folder, killVm } = await machine("always", { plan: after("cp FOLDER/start.json FOLDER/told; echo \"$HOME\" > FOLDER/home") });
    killVm();
    await expect.poll(() => existsSync(join(folder, "home")) && readFileSync(join(folder, "home"), "utf8"), { timeout: 15_000 }).toBe(`${process.env["HOME"]}\n`);
    expect(JSON.parse(readFileSync(join(folder, "told"), "utf8"))).toEqual({ accelerators: [], notes: ["a note"], mounts: [], by: { pid: 0, startTime: "", bootId: "" } });
  });

  it("is left to the next start where it fails, with the reason", async () => {
    const { folder, keeper, killVm } = await machine("always", { plan: after("echo no luck; exit 125") });
    const left = (): unknown => JSON.parse(readFileSync(join(folder, "start.json"), "utf8"));
    killVm();
    await expect.poll(() => existsSync(join(folder, "start.json")) && left(), { timeout: 15_000 }).toEqual({ accelerators: [], notes: ["a note"], mounts: [], by: null, why: "what comes after a boot exited with 125: no luck" });
    expect(keeper.status()).toMatchObject({ state: "running", problems: [] });
  });

  it("is a problem of the machine where its hooks alone failed", async () => {
    const { keeper, killVm } = await machine("always", { plan: after("rm FOLDER/start.json; echo no luck; exit 125") });
    killVm();
    await expect.poll(() => keeper.status().problems, { timeout: 15_000 }).toEqual(["the machine was started again, but what comes after a start exited with 125: no luck"]);
    expect(keeper.status().state).toBe("running");
  });

  it("ends with the machine", async () => {
    const { folder, keeper, killVm } = await machine("always", { plan: after("echo $$ > FOLDER/pid; exec sleep 60") });
    killVm();
    await expect.poll(() => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8"), { timeout: 15_000 }).toMatch(/^\d+\n$/);
    await keeper.stop(true, 0);
    expect(existsSync(`/proc/${readFileSync(join(folder, "pid"), "utf8").trim()}`)).toBe(false);
  });
});
