import { randomBytes } from "node:crypto";
import type { KeeperPlan, Deadlines } from "../keeper/plan.ts";
import { portKey } from "../keeper/expose.ts";
import { matchSlots } from "../match.ts";
import type { SocketForward } from "../model.ts";
import type { MachineRecord } from "../record.ts";
import type { NetPlan } from "../roles/forwarder.ts";
import type { BootPlan } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { callPlugin } from "../spans.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { recordedInfo } from "./facts.ts";
import { lanLink, lanPlanOf } from "./lan.ts";
import { commandProgram } from "../installation.ts";
import type { Begun } from "./begun.ts";
import type { VerbHooks } from "./hooks.ts";

/** Everything of one start, after the `beforeBoot` hook has had its say. */
export interface PlannedBoot {
  readonly net: NetPlan;
  readonly boot: BootPlan;
  readonly sockets: readonly SocketForward[];
}

/** Asks forwarder and launcher for their plans under one accelerator, then everybody else. No side effect. */
export async function planBoot(spec: ResolvedSpec, record: MachineRecord, accelerator: string, hooks: VerbHooks, run: Run): Promise<PlannedBoot> {
  const { host, paths } = run;
  const files = paths.machine(spec.name);
  const folders = { data: files.data, runtime: files.runtime };
  const { link } = matchSlots(spec);
  const net = await callPlugin(run.trace, spec.forwarder, "plan", { name: spec.name, host, link, mac: record.mac, sshPort: record.ssh.port, ports: spec.ports, guestPorts: spec.guestPorts, folders });
  const boot = await callPlugin(run.trace, spec.launcher, "plan", {
    name: spec.name, host, arch: host.arch, cpus: spec.cpus, memory: spec.memory, disk: record.disk, seed: record.seed,
    firstBoot: record.lastUp === null, link: net.link, ...lanLink(spec, record.lan, run), shares: spec.volumes, guestUid: record.ssh.uid, accelerator, usb: spec.usb, folders,
  });
  const event = await hooks.fire("beforeBoot", recordedInfo(record, spec, paths), { boot, net, sockets: [...spec.sockets] });
  return { net, boot, sockets: event.sockets };
}

/** What the keeper gets: plain data. */
export function keeperPlan(spec: ResolvedSpec, record: MachineRecord, planned: PlannedBoot, accelerator: string, begun: Begun, deadlines: Deadlines, run: Run): KeeperPlan {
  const { net, boot, sockets } = planned;
  const files = run.paths.machine(spec.name);
  const open = new Set(net.openAtStart.map(portKey));
  return {
    version: 1, token: randomBytes(8).toString("hex"), name: spec.name, folders: { data: files.data, runtime: files.runtime, logs: files.logs },
    ...(net.command && { forwarder: { command: net.command.toRecord(), listens: net.listens } }),
    helpers: boot.helpers.map(({ command, ...rest }) => ({ ...rest, command: command.toRecord() })),
    vm: boot.vm.toRecord(), accelerator, ...(boot.console && { console: boot.console }), ready: boot.ready, ...(record.readyByLogin && { readyByLogin: true }), control: boot.control,
    ...(boot.replug && { replug: boot.replug }), ...(record.lan && { lan: lanPlanOf(spec.name, record.lan, run) }), ...(boot.replugLan && { replugLan: boot.replugLan }),
    mounts: boot.mounts, ...(boot.hotShares && { hotShares: boot.hotShares }),
    ssh: { ...net.ssh, user: record.ssh.user, keyFile: files.key, hostKey: record.ssh.hostKey },
    expose: net.expose, guestPorts: spec.guestPorts, openAtStart: net.openAtStart, ports: spec.ports.filter((port) => !open.has(portKey(port))),
    sockets, restart: spec.restart, deadlines,
    ...(spec.restart !== "never" && { again: { command: { name: "start", program: process.execPath, argv: [commandProgram(), "start", "--quiet", spec.name] }, begun: { ...begun }, begunFile: files.startBegun } }),
  };
}

/** Limits of each wait. Software emulation is some ten times slower. */
export function deadlinesFor(accelerator: string, overrides: Partial<Deadlines> = {}): Deadlines {
  const slow = accelerator === "tcg";
  return {
    helpersMs: 15_000, monitorMs: slow ? 60_000 : 20_000, lifeMs: slow ? 60_000 : 20_000, readyMs: slow ? 900_000 : 300_000,
    sshMs: slow ? 60_000 : 20_000, probeMs: slow ? 120_000 : 30_000, ...overrides,
  };
}
