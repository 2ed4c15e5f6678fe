import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import { connectGuest, forwardPort, forwardSocket, type GuestConnection } from "../ssh.ts";
import { again, pause } from "./again.ts";
import { BoundedLog } from "./bounded-log.ts";
import { describeExit, endChild, spawnChild, type Child, type ChildRole } from "./children.ts";
import { readable, GuestConsole } from "./console.ts";
import { deferred } from "./deferred.ts";
import { Exposer, formatPort, portKey } from "./expose.ts";
import { Journal } from "./journal.ts";
import { waitListening } from "./listening.ts";
import type { KeeperPlan, Phase } from "./plan.ts";
import { probeSocket } from "./probe.ts";
import type { KeeperStatus, OpenPort } from "./protocol.ts";
import { Qmp } from "./qmp.ts";
import { checkReadyLine, openReadyPort } from "./ready.ts";
import { RestControl } from "./rest.ts";

/** What a phase is called in messages. */
const phaseTitles: Readonly<Record<Phase, string>> = {
  helpers: "the forwarder to listen", monitor: "the VM's monitor", life: "the guest's first sign of life",
  ready: "the guest to be ready", ssh: "ssh", probe: "the sockets of the guest to answer",
};

/**
 * The running machine: parent of the forwarder, the helpers and the VM, owner of the monitor, the console, the ready
 * signal, the open ports and sockets, and of one ssh connection a user. It knows nothing but its plan.
 */
export class Keeper {
  readonly plan: KeeperPlan;
  readonly journal: Journal;
  readonly #version: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #console: GuestConsole;
  readonly #children: Child[] = [];
  readonly #connections = new Map<string, Promise<GuestConnection>>();
  readonly #ports = new Map<string, ResolvedPort>();
  readonly #carried: { close(): Promise<void> }[] = [];
  readonly #times: Record<string, number> = {};
  readonly #problems = new Map<string, string>();
  readonly #stopping = new AbortController();
  /** Rejects when a process ends that the machine cannot do without, or when the guest is lost. */
  readonly #lost = deferred<never>();
  readonly #ended = deferred<void>();
  readonly #asked = deferred<void>();
  readonly #up = deferred<void>();
  readonly #begun = Date.now();
  #state: KeeperStatus["state"] = "starting";
  #phase: Phase | undefined;
  #qmp: Qmp | undefined;
  #rest: RestControl | undefined;
  #exposer: Exposer | undefined;
  #ready: { close(): void } | undefined;
  #readyLine: Promise<string> = new Promise(() => {});
  #shutdownReason: string | undefined;

  constructor(plan: KeeperPlan, options: { version: string; environment: Readonly<Record<string, string | undefined>> }) {
    this.plan = plan;
    this.#version = options.version;
    this.#environment = options.environment;
    this.journal = new Journal(plan.name, join(plan.folders.logs, "events.jsonl"));
    this.#console = new GuestConsole(new BoundedLog(join(plan.folders.logs, "serial.log")));
    this.#console.failed.then(({ what, lines }) => {
      if (this.#state !== "starting") return;
      this.#lost.reject(new MachineError("first-boot-failed", what, {
        stage: this.#phase, details: lines, hint: `The whole console: glowplug logs ${plan.name} serial`,
      }));
    });
  }

  /** Resolves once somebody waits for the machine to be up. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Somebody waits for the machine to be up. */
  ask(): void {
    this.#asked.resolve();
  }

  /** Resolves when the machine is up; rejects with what ended the start. */
  get up(): Promise<void> {
    return this.#up.promise;
  }

  /** Resolves when nothing of the machine is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Brings everything up in order. On a failure takes everything down again and rejects. */
  async bringUp(): Promise<void> {
    try {
      await this.#start();
      this.#state = "running";
      this.#phase = undefined;
      this.journal.say("state", { state: "running" });
      this.#up.resolve();
    } catch (error) {
      const blamed = this.#blame(error);
      this.#state = "failed";
      this.journal.say("state", { state: "failed", reason: messageOf(blamed) });
      await this.#takeDown(true, 0);
      this.#up.reject(blamed);
      this.#ended.resolve();
    }
  }

  /** Asks the guest to power off, waits, then insists. */
  async stop(force: boolean, timeoutMs: number): Promise<void> {
    if (this.#state === "starting") this.#lost.reject(new MachineError("interrupted", "the start was ended by a stop"));
    else if (this.#state === "running") {
      this.#state = "stopping";
      this.journal.say("state", { state: "stopping" });
      await this.#takeDown(force, timeoutMs);
      this.#ended.resolve();
    }
    await this.#ended.promise;
  }

  /** An ssh connection as that user; made when first asked for, and again after it broke. */
  connection(user = this.plan.ssh.user): Promise<GuestConnection> {
    const there = this.#connections.get(user);
    if (there) return there;
    const { host, port, keyFile, hostKey } = this.plan.ssh;
    const made = connectGuest({ host, port, user, hostKey, privateKey: readFileSync(keyFile, "utf8"), signal: this.#stopping.signal, timeoutMs: 20_000 });
    this.#connections.set(user, made);
    const forget = (): void => {
      if (this.#connections.get(user) === made) this.#connections.delete(user);
    };
    made.then((connection) => connection.closed.then(forget, forget), forget);
    return made;
  }

  async openPort(port: ResolvedPort): Promise<void> {
    if (!this.#exposer) throw new MachineError("wrong-state", `${this.plan.name} is not up yet`);
    await this.#exposer.open(port);
    this.#ports.set(portKey(port), port);
    this.journal.say("port", { action: "open", port: formatPort(port) });
  }

  async closePort(port: ResolvedPort): Promise<void> {
    await this.#exposer?.close(port);
    this.#ports.delete(portKey(port));
    this.journal.say("port", { action: "close", port: formatPort(port) });
  }

  /** Every port that leads into the machine but ssh's own, those included that the guest asked the forwarder for. */
  async openPorts(): Promise<readonly OpenPort[]> {
    const { host, port } = this.plan.ssh;
    const own = [...this.#ports.values()];
    const known = new Set([portKey({ host, hostPort: port, guestPort: 22, protocol: "tcp" }), ...own.map(portKey)]);
    const others = ((await this.#exposer?.list()) ?? []).filter((other) => !known.has(portKey(other)));
    return [...own.map((one) => ({ ...one, by: "host" as const })), ...others.map((one) => ({ ...one, by: "guest" as const }))];
  }

  status(): KeeperStatus {
    return {
      pid: process.pid, version: this.#version, state: this.#state, ...(this.#phase && { phase: this.#phase }),
      children: this.#children.filter((child) => !child.hasExited()).map(({ name, role, identity }) => ({ name, role, pid: identity.pid })),
      accelerator: this.plan.accelerator, ports: [...this.#ports.values()], sockets: this.plan.sockets.map(({ host }) => host),
      problems: [...this.#problems.values()], begun: this.#begun, times: { ...this.#times }, residentBytes: process.memoryUsage.rss(),
    };
  }

  async #start(): Promise<void> {
    const { plan } = this;
    const { deadlines } = plan;
    await this.#wait("helpers", deadlines.helpersMs, async (signal) => {
      for (const helper of [...(plan.forwarder ? [{ ...plan.forwarder, role: "forwarder" as const }] : []), ...plan.helpers.map((one) => ({ ...one, role: "helper" as const }))]) {
        const child = await this.#spawn(helper.command, helper.role);
        await waitListening(helper.listens, { timeoutMs: deadlines.helpersMs, signal, who: child.name, death: this.#lost.promise });
      }
    });
    const vm = await this.#spawn(plan.vm, "vm");
    this.#mark("vm");
    await this.#wait("monitor", deadlines.monitorMs, (signal) => this.#attach(vm, signal));
    await this.#wait("life", deadlines.lifeMs, async () => {
      await (plan.console?.kind === "unix" ? Promise.race([this.#console.alive, this.#readyLine]) : undefined);
    });
    await this.#wait("ready", deadlines.readyMs, async () => checkReadyLine(await this.#readyLine));
    await this.#wait("ssh", deadlines.sshMs, async (signal) => {
      await again(() => this.connection(), signal, (error) => isMachineError(error) && error.code === "host-key");
    });
    await this.#wait("probe", deadlines.probeMs, async (signal) => {
      await this.#openAll();
      for (const { host, probe } of plan.sockets) if (probe) await again(() => probeSocket(host, probe, signal), signal, () => false);
    });
  }

  async #attach(vm: Child, signal: AbortSignal): Promise<void> {
    const { control, console, ready } = this.plan;
    const sockets = [...(control.kind === "signal" ? [] : [control.path]), ...(console?.kind === "unix" ? [console.path] : []), ...(ready.kind === "connect" ? [ready.path] : [])];
    if (ready.kind === "listen") await this.#openReady();
    await waitListening(sockets, { timeoutMs: this.plan.deadlines.monitorMs, signal, who: vm.name, death: this.#lost.promise });
    if (console) await this.#console.open(console);
    if (ready.kind === "connect") await this.#openReady();
    if (control.kind === "rest") {
      const rest = new RestControl(control.path);
      await again(() => rest.state(), signal, () => false);
      this.#rest = rest;
    }
    if (control.kind !== "qmp") return;
    this.#qmp = await Qmp.open(control.path, this.plan.deadlines.monitorMs);
    this.#qmp.onEvent(({ event, data }) => {
      if (event === "SHUTDOWN") this.#shutdownReason = String(data?.["reason"] ?? "shutdown");
      if (event === "GUEST_PANICKED") this.#shutdownReason = "guest-panic";
    });
    if (control.paused) await this.#qmp.execute("cont");
  }

  async #openReady(): Promise<void> {
    const port = await openReadyPort(this.plan.ready);
    this.#ready = port;
    this.#readyLine = port.line;
  }

  async #openAll(): Promise<void> {
    this.#exposer = new Exposer(this.plan.expose, {
      monitor: (line) => this.#qmp?.monitor(line) ?? Promise.reject(new MachineError("keeper", "this VM has no monitor")),
      carry: (port) => forwardPort({ port, connection: () => this.connection(), onError: (error) => this.#note(formatPort(port), error) }),
    });
    for (const port of this.plan.openAtStart) this.#ports.set(portKey(port), port);
    for (const port of this.plan.ports) await this.openPort(port);
    for (const { host, guest, user } of this.plan.sockets) {
      this.#carried.push(await forwardSocket({ listen: host, guest, connection: () => this.connection(user), onError: (error) => this.#note(host, error) }));
    }
  }

  async #spawn(record: KeeperPlan["vm"], role: ChildRole): Promise<Child> {
    const child = await spawnChild(record, role, join(this.plan.folders.logs, role === "vm" ? "vm.log" : "forwarder.log"), this.#environment);
    this.#children.push(child);
    const living = this.#children.filter((one) => !one.hasExited()).map(({ name, role: its, identity }) => ({ name, role: its, identity }));
    writeFileSync(join(this.plan.folders.runtime, "children.json"), JSON.stringify(living), { mode: 0o600 });
    this.journal.say("child", { action: "spawned", role, name: child.name, program: child.program, pid: child.identity.pid });
    child.exited.then((exit) => {
      this.journal.say("child", { action: "ended", role, name: child.name, program: child.program, pid: child.identity.pid, how: describeExit(exit) });
      this.#childEnded(child, describeExit(exit));
    });
    return child;
  }

  #childEnded(child: Child, how: string): void {
    if (this.#state === "starting") {
      this.#lost.reject(new MachineError(child.role === "vm" ? "vm-exited" : "helper-exited", `${child.name} ${how} before the machine was up`, {
        stage: this.#phase, details: endOfFile(child.logFile, 8), hint: `Its whole output: glowplug logs ${this.plan.name} ${child.role === "vm" ? "vm" : "forwarder"}`,
      }));
      return;
    }
    if (this.#state !== "running") return;
    if (child.role === "vm") {
      this.#state = "stopping";
      this.journal.say("state", { state: "stopping", reason: this.#shutdownReason ?? `${child.name} ${how}` });
      void this.#takeDown(true, 0).then(() => this.#ended.resolve());
    } else this.#problems.set(child.name, `${child.name} ${how}`);
  }

  /** Runs one phase: against its deadline, and against the loss of what it waits on. */
  async #wait(phase: Phase, limitMs: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#phase = phase;
    this.journal.say("phase", { phase, action: "begin" });
    const over = new AbortController();
    const limit = deferred<never>();
    const timer = setTimeout(() => {
      limit.reject(new MachineError("deadline", `waited ${limitMs / 1000} s for ${phaseTitles[phase]}`, {
        stage: phase, details: this.#console.lastLines(12), hint: `The whole console: glowplug logs ${this.plan.name} serial`,
      }));
    }, limitMs);
    try {
      await Promise.race([work(AbortSignal.any([over.signal, this.#stopping.signal])), limit.promise, this.#lost.promise]);
    } catch (error) {
      // A VM that dies also closes its sockets, and those are often noticed first: the death is the better reason.
      if (isMachineError(error) && error.code === "vm-exited") await Promise.race([this.#lost.promise, pause(1000)]);
      throw error;
    } finally {
      clearTimeout(timer);
      over.abort();
    }
    this.#mark(phase);
    this.journal.say("phase", { phase, action: "end" });
  }

  /** A connection that could not be carried: known to the journal, no fault of the machine. */
  #note(what: string, error: unknown): void {
    this.journal.say("note", { about: what, text: messageOf(error) });
  }

  #mark(what: string): void {
    this.#times[what] = Date.now() - this.#begun;
  }

  #blame(error: unknown): MachineError {
    if (isMachineError(error)) return error;
    return new MachineError("internal", messageOf(error), { stage: this.#phase, cause: error });
  }

  /** Ends everything in order: the guest, the VM, sockets, helpers, the forwarder. Never throws. */
  async #takeDown(force: boolean, timeoutMs: number): Promise<void> {
    const vm = this.#children.find((child) => child.role === "vm");
    if (vm && !vm.hasExited()) {
      if (!force && (await this.#powerDown(vm))) await Promise.race([vm.exited, pause(timeoutMs)]);
      if (!vm.hasExited() && (this.#qmp || this.#rest)) {
        await Promise.race([this.#quit(), vm.exited]);
        await Promise.race([vm.exited, pause(2000)]);
      }
      await endChild(vm, 2000);
    }
    this.#console.close();
    this.#stopping.abort();
    this.#ready?.close();
    this.#qmp?.end();
    await Promise.all(this.#carried.map((carried) => carried.close()));
    for (const connection of this.#connections.values()) void connection.then((one) => one.end(), () => {});
    for (const child of [...this.#children].reverse()) await endChild(child, 2000);
    this.journal.say("state", { state: "stopped" });
  }

  async #powerDown(vm: Child): Promise<boolean> {
    try {
      if (this.#qmp) await this.#qmp.execute("system_powerdown");
      else if (this.#rest) await this.#rest.order("Stop");
      else process.kill(vm.identity.pid, "SIGTERM");
      return true;
    } catch {
      return false;
    }
  }

  /** Tells the VM to end without asking the guest. */
  async #quit(): Promise<void> {
    await Promise.all([this.#qmp?.execute("quit", undefined, 2000), this.#rest?.order("HardStop", 2000)]).catch(() => {});
  }
}

/** The last lines of a child's log. */
function endOfFile(path: string, count: number): string[] {
  try {
    return readable(readFileSync(path, "latin1").slice(-8192)).slice(-count);
  } catch {
    return [];
  }
}
