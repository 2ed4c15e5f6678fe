import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hostOfProcess } from "../../../core/host.ts";
import { Journal } from "../../../core/keeper/journal.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import { Ports } from "../../../core/keeper/ports.ts";
import { Problems } from "../../../core/keeper/problems.ts";
import type { MachineEvent } from "../../../core/keeper/protocol.ts";
import { sealFolders } from "../../../core/keeper/seal.ts";
import gvproxy from "../../../plugins/forwarders/gvproxy.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { post, startForwarder } from "../../support/forwarder.ts";
import { freePort } from "../../support/free-port.ts";

/** The real gvproxy without a VM, and the keeper's view of its ports. The guest's requests reach the same handler as those to the control socket. */
async function start(published: number) {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  mkdirSync(join(path, "net"), { mode: 0o700 });
  const sshPort = await freePort();
  const host = hostOfProcess();
  const net = await gvproxy().plan({ name: "web", host, link: "unix-stream", mac: "52:54:00:12:34:56", sshPort, ports: [], guestPorts: "any", folders: { data: path, runtime: path } });
  if (!net.command) throw new Error("gvproxy is no command");
  const forwarder = await startForwarder({ command: net.command.toRecord(), listens: net.listens }, join(path, "forwarder.log"), process.env);
  onTestFinished(() => forwarder.end());
  sealFolders({ role: "forwarder", listens: net.listens }, { data: path, runtime: path, logs: path });

  const plan = {
    name: "web", ssh: net.ssh, expose: net.expose, openAtStart: [], ports: [{ host: "127.0.0.1", hostPort: published, guestPort: 80, protocol: "tcp" }],
  } as unknown as KeeperPlan;
  const journal = new Journal("web", join(path, "events.jsonl"));
  const events: MachineEvent[] = [];
  journal.follow((event) => void events.push(event));
  const refuse = (): Promise<never> => Promise.reject(new Error("gvproxy opens ports itself"));
  const ports = new Ports(plan, journal, new Problems(), { monitor: refuse, carry: refuse });
  await ports.openPlanned();
  const api = join(path, "net/api.sock");
  const told = (): readonly unknown[] => events.splice(0).map(({ time: _, machine: __, type: ___, ...rest }) => rest);
  told();
  /** What is open, as another keeper finds it. */
  const lost = (): Ports => new Ports(plan, journal, new Problems(), { monitor: refuse, carry: refuse });
  return { ports, lost, sshPort, told, ask: async (verb: "expose" | "unexpose", body: object) => (await post(api, `/services/forwarder/${verb}`, body)).text };
}

test("what the guest opens is known, and closed where it may not be open", async () => {
  const { ports, ask, told } = await start(await freePort());
  const [allowed, refused] = [await freePort(), await freePort()];
  expect(await ask("expose", { local: `127.0.0.1:${allowed}`, remote: "192.168.127.2:80", protocol: "tcp" })).toBe("");
  expect(await ask("expose", { local: `:${refused}`, remote: "192.168.127.2:80", protocol: "tcp" })).toBe("");
  expect(await isOpen(refused)).toBe(true);

  await ports.guard({ allowed: "loopback", lowest: 0 });
  expect(await isOpen(refused)).toBe(false);
  expect(await isOpen(allowed)).toBe(true);
  expect(ports.ofGuest).toEqual([{ host: "127.0.0.1", hostPort: allowed, guestPort: 80, protocol: "tcp" }]);
  expect(told()).toEqual([
    { action: "refused", port: `:${refused}/tcp`, why: "the guest may open ports of the loopback alone" },
    { action: "open", port: `127.0.0.1:${allowed}:80/tcp`, by: "guest" },
  ]);

  await ports.guard({ allowed: "loopback", lowest: 65_536 });
  expect([await isOpen(allowed), ports.ofGuest]).toEqual([false, []]);
  expect(told()).toEqual([
    { action: "refused", port: `127.0.0.1:${allowed}/tcp`, why: "the guest may open no port below 65536" },
    { action: "close", port: `127.0.0.1:${allowed}:80/tcp`, by: "guest" },
  ]);
});

test("what the guest closes or leads elsewhere of the host's is put back, ssh's port too", async () => {
  const published = await freePort();
  const { ports, sshPort, ask, told } = await start(published);
  expect(await ask("unexpose", { local: `127.0.0.1:${sshPort}`, protocol: "tcp" })).toBe("");
  expect(await ask("unexpose", { local: `127.0.0.1:${published}`, protocol: "tcp" })).toBe("");
  expect(await ask("expose", { local: `127.0.0.1:${published}`, remote: "192.168.127.2:6666", protocol: "tcp" })).toBe("");

  await ports.guard({ allowed: "any", lowest: 0 });
  expect(told()).toEqual([
    { action: "refused", port: `127.0.0.1:${published}/tcp`, why: "it took the place of one of ours" },
    { action: "reopened", port: `127.0.0.1:${sshPort}/tcp`, why: "the guest had closed it" },
    { action: "reopened", port: `127.0.0.1:${published}/tcp`, why: "the guest had closed it" },
  ]);
  expect([await isOpen(sshPort), await isOpen(published), ports.ofGuest]).toEqual([true, true, []]);
  await ports.guard({ allowed: "any", lowest: 0 });
  expect(told()).toEqual([]);
});

test("a look in the middle of changes takes none of them for the guest's", async () => {
  const { ports, told } = await start(await freePort());
  const more = { host: "127.0.0.1", hostPort: await freePort(), guestPort: 81, protocol: "tcp" } as const;
  await Promise.all([ports.guard({ allowed: "none", lowest: 0 }), ports.open(more), ports.guard({ allowed: "none", lowest: 0 }), ports.close(more), ports.guard({ allowed: "none", lowest: 0 })]);
  expect(told()).toEqual([{ action: "open", port: `127.0.0.1:${more.hostPort}:81/tcp` }, { action: "close", port: `127.0.0.1:${more.hostPort}:81/tcp` }]);
});

test("another keeper leaves open what the forwarder has, opens what it has not, and closes what was just being opened", async () => {
  const published = await freePort();
  const { ports, lost, ask, told } = await start(published);
  const [closed, half, guests] = [await freePort(), await freePort(), await freePort()];
  const port = (hostPort: number) => ({ host: "127.0.0.1", hostPort, guestPort: 81, protocol: "tcp" }) as const;
  const notes: unknown[] = [];
  ports.onChange(() => void notes.push(ports.state.opening));
  await ports.open(port(closed));
  expect(notes).toEqual([port(closed), undefined]);
  await ask("expose", { local: `127.0.0.1:${guests}`, remote: "192.168.127.2:80", protocol: "tcp" });
  await ports.guard({ allowed: "any", lowest: 0 });
  const state = ports.state;
  expect(state.open.map(({ hostPort, by, carried }) => [hostPort, by, carried])).toEqual([[published, "host", false], [closed, "host", false]]);
  await ask("expose", { local: `127.0.0.1:${half}`, remote: "192.168.127.2:81", protocol: "tcp" });
  await ask("unexpose", { local: `127.0.0.1:${closed}`, protocol: "tcp" });
  told();

  const later = lost();
  await later.adopt({ ...state, opening: port(half) });
  expect(told()).toEqual([{ action: "open", port: `127.0.0.1:${closed}:81/tcp` }]);
  expect(await Promise.all([published, closed, half, guests].map(isOpen))).toEqual([true, true, false, true]);
  expect([later.own, later.ofGuest, later.state]).toEqual([[expect.objectContaining({ hostPort: published }), port(closed)], [{ ...port(guests), guestPort: 80 }], state]);
});

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", port }, () => (done(true), socket.destroy()));
    socket.once("error", () => done(false));
  });
}
