import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readEnded } from "../../../core/keeper/ended.ts";
import { Keeper } from "../../../core/keeper/keeper.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import type { OpenPorts } from "../../../core/keeper/ports.ts";
import { readUp, writeUp, type UpFile } from "../../../core/keeper/up-file.ts";
import { identityOf } from "../../../core/process-identity.ts";
import { guestWithLogin, scratchFolder } from "../../fixtures/login.ts";
import { freePort } from "../../support/free-port.ts";

interface Orphan {
  readonly folder: string;
  readonly keeper: Keeper;
  readonly vm: number;
  /** The guest's host key. */
  readonly hostKey: string;
  vmLives(): boolean;
}

/** A VM that runs, and was up when its keeper was lost; its guest shows a host key that the plan does not have. */
async function orphan(up: Partial<UpFile> = {}, folder = scratchFolder(), more: Partial<KeeperPlan> = {}): Promise<Orphan> {
  const { login, keys } = await guestWithLogin();
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, keys.privateKey);
  const vm = spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"], { detached: true, stdio: "ignore" });
  await new Promise((resolve) => vm.once("spawn", resolve));
  const pid = vm.pid ?? Number.NaN;
  onTestFinished(() => void vm.kill("SIGKILL"));
  const children = [
    { name: "gone", role: "helper", program: "gone", identity: { pid: 1, startTime: "never", bootId: "none" } },
    { name: "vm", role: "vm", program: "node", identity: identityOf(pid) },
  ];
  writeFileSync(join(folder, "children.json"), JSON.stringify(children));
  writeUp(folder, { ports: { open: [], guests: [] }, hostKey: login.hostKey, ...up });
  const limit = 10_000;
  const keeper = new Keeper({
    version: 1, token: "1", name: "web", folders: { data: folder, runtime: folder, logs: folder }, helpers: [], accelerator: "tcg",
    vm: { program: process.execPath, argv: [], name: "vm" }, ready: { kind: "listen", path: join(folder, "ready.sock") }, control: { kind: "signal" }, mounts: [],
    ssh: { host: login.host, port: login.port, user: login.user, keyFile, hostKey: "" }, expose: { kind: "ssh" }, guestPorts: "any", openAtStart: [], ports: [], sockets: [], restart: "never",
    deadlines: { helpersMs: limit, monitorMs: limit, lifeMs: limit, readyMs: limit, sshMs: limit, probeMs: limit }, ...more,
  }, { version: "0.0.0", environment: process.env, adopts: true });
  onTestFinished(() => keeper.stop(true, 0));
  return { folder, keeper, vm: pid, hostKey: login.hostKey, vmLives: () => vm.exitCode === null && vm.signalCode === null };
}

const canConnect = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => resolve((socket.destroy(), true))).on("error", () => resolve(false));
});

describe("a machine that is taken over", () => {
  it("is looked after as one that was brought up, and what has ended meanwhile is a problem of it", async () => {
    const { folder, keeper, vm, hostKey } = await orphan({ restarts: { count: 2, at: "2026-01-01T00:00:00.000Z", reason: "it crashed" } });
    expect(keeper.status()).toMatchObject({ state: "adopting", children: [] });
    expect(await keeper.adopt()).toBe(true);
    await keeper.up;
    expect(keeper.status()).toMatchObject({ state: "running", children: [{ name: "vm", role: "vm", pid: vm }], learnedHostKey: hostKey, restarts: { count: 2 }, problems: ["gone has ended while nobody looked after it"] });
    expect(JSON.parse(readFileSync(join(folder, "children.json"), "utf8"))).toMatchObject([{ name: "vm", identity: { pid: vm } }]);
    expect(readUp(folder)).toMatchObject({ hostKey, restarts: { count: 2 } });
    await (await keeper.connection()).end();

    process.kill(vm, "SIGKILL");
    await keeper.ended;
    expect(readEnded(folder)).toMatchObject({ reason: "vm has ended", failed: true });
    expect(readUp(folder)).toBeUndefined();
  });

  it("is not believed where it shows another host key than before, which is a problem of it", async () => {
    const { keeper } = await orphan({ hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqWoXyHzJ7tqjC0Wn8kQmQpQv7lYkUqgX4H1eDdqJ0A" });
    expect(await keeper.adopt()).toBe(true);
    await vi.waitFor(() => expect(keeper.status().problems.join()).toContain("is not this machine: expected the host key"), 30_000);
    await expect(keeper.connection()).rejects.toMatchObject({ code: "host-key" });
  }, 60_000);

  it("has the ports again that its keeper carried; one that somebody has taken is a problem, and one that was being opened is none of its own", async () => {
    const [carried, taken, opening] = [await freePort(), await freePort(), await freePort()];
    const thief = createServer().listen(taken, "127.0.0.1");
    onTestFinished(() => void thief.close());
    const port = (hostPort: number) => ({ host: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp" }) as const;
    const ports: OpenPorts = { open: [{ ...port(carried), by: "host", carried: true }, { ...port(taken), by: "host", carried: true }], guests: [], opening: port(opening) };
    const { folder, keeper } = await orphan({ ports });
    expect(await keeper.adopt()).toBe(true);
    expect([await canConnect(carried), await canConnect(opening)]).toEqual([true, false]);
    expect(keeper.status()).toMatchObject({ ports: [port(carried), port(taken)] });
    expect(keeper.status().problems).toContainEqual(expect.stringContaining(`a port is not open any more: port ${taken} of 127.0.0.1 is in use`));
    expect(readUp(folder)?.ports).toEqual({ open: [{ ...port(carried), by: "host", carried: true }, { ...port(taken), by: "host", carried: false }], guests: [] });
  });

  it("has one forwarder, in the place of one that was spawned and not written down any more", async () => {
    const folder = scratchFolder();
    const command = { name: "forwarder", program: process.execPath, argv: ["-e", "setInterval(() => {}, 60_000)", join(folder, "net.sock")] };
    const unnoted = spawn(command.program, command.argv, { detached: true, stdio: "ignore" });
    onTestFinished(() => void unnoted.kill("SIGKILL"));
    await once(unnoted, "spawn");
    const ended = once(unnoted, "exit");
    const { keeper } = await orphan({}, folder, { forwarder: { command, listens: [] } });
    expect(await keeper.adopt()).toBe(true);
    expect(await ended).toEqual([null, "SIGKILL"]);
    await vi.waitFor(() => expect(keeper.status().children).toContainEqual({ name: "forwarder", role: "forwarder", pid: expect.not.toSatisfy((pid) => pid === unnoted.pid) as number }), 10_000);
  });

  it("takes its guest's ready line for that of a reboot", async () => {
    const { folder, keeper } = await orphan();
    const events: unknown[] = [];
    keeper.journal.follow(({ type, state }) => void events.push([type, state]));
    expect(await keeper.adopt()).toBe(true);
    events.splice(0);
    connect(join(folder, "ready.sock")).end("Ready\n");
    await vi.waitFor(() => expect(events).toContainEqual(["state", "running"]), 10_000);
  });

  it("goes on going down where that was asked for", async () => {
    const { folder, keeper, vmLives } = await orphan({ stopping: { force: false, timeoutMs: 5000 } });
    expect(await keeper.adopt()).toBe(true);
    expect(keeper.status().state).toBe("stopping");
    await keeper.ended;
    await vi.waitFor(() => expect(vmLives()).toBe(false), 5000);
    expect(readEnded(folder)).toBeUndefined();
  });

  it("is stopped by who asks for that before", async () => {
    const { keeper, vmLives } = await orphan();
    const stopped = keeper.stop(false, 5000);
    await keeper.asked;
    expect(await keeper.adopt()).toBe(true);
    await stopped;
    await vi.waitFor(() => expect(vmLives()).toBe(false), 5000);
  });
});

describe("a machine that cannot be taken over goes on as it was", () => {
  it("since it was not up yet", async () => {
    const { keeper, vmLives } = await orphan();
    writeFileSync(join(keeper.plan.folders.runtime, "up.json"), "");
    expect(await keeper.adopt()).toBe(false);
    await expect(keeper.up).rejects.toMatchObject({ code: "keeper", message: "web was not up yet when its keeper was lost" });
    await keeper.ended;
    expect(vmLives()).toBe(true);
  });

  it("since its VM has ended", async () => {
    const { folder, keeper, vm, vmLives } = await orphan();
    process.kill(vm, "SIGKILL");
    await vi.waitFor(() => expect(vmLives()).toBe(false), 5000);
    expect(await keeper.adopt()).toBe(false);
    await expect(keeper.up).rejects.toMatchObject({ code: "vm-exited", message: "the VM of web has ended" });
    expect(existsSync(join(folder, "up.json"))).toBe(true);
  });

  it("since nobody knows its processes", async () => {
    const { folder, keeper, vmLives } = await orphan();
    writeFileSync(join(folder, "children.json"), "{");
    expect(await keeper.adopt()).toBe(false);
    await expect(keeper.up).rejects.toMatchObject({ code: "keeper", message: expect.stringContaining("children.json cannot be read") as string });
    expect(vmLives()).toBe(true);
  });
});
