import { isMachineError, MachineError, messageOf } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import type { GuestConnection } from "../ssh.ts";
import { step } from "../step.ts";
import { bringUp } from "./bring-up.ts";
import { lastWords, type Child } from "./child.ts";
import { deferred } from "./deferred.ts";
import type { Journal } from "./journal.ts";
import { partsFor, type Parts } from "./parts.ts";
import { Phases } from "./phases.ts";
import type { KeeperPlan } from "./plan.ts";
import type { KeeperStatus, OpenPort } from "./protocol.ts";
import type { Shares } from "./shares.ts";
import { takeDown } from "./take-down.ts";
import { watches } from "./watches.ts";

/** The running machine: its state, and the order of its life. It knows nothing but its plan. */
export class Keeper {
  readonly plan: KeeperPlan;
  readonly #version: string;
  readonly #parts: Parts;
  readonly #phases: Phases;
  readonly #asked = deferred<void>();
  readonly #up = deferred<void>();
  readonly #ended = deferred<void>();
  #state: KeeperStatus["state"] = "starting";
  #endWatches: (() => Promise<void> | void)[] = [];

  constructor(plan: KeeperPlan, options: { version: string; environment: Readonly<Record<string, string | undefined>> }) {
    this.plan = plan;
    this.#version = options.version;
    this.#parts = partsFor(plan, options.environment);
    const { journal, console, children, stopping } = this.#parts;
    this.#phases = new Phases(plan, journal, console, stopping.signal);
    children.onEnd((child, how) => this.#childEnded(child, how));
    void console.failed.then(({ what, lines }) => {
      if (this.#state !== "starting") return;
      this.#phases.lose(new MachineError("first-boot-failed", what, {
        stage: this.#phases.current, details: lines, hint: `The whole console: glowplug logs ${plan.name} serial`,
      }));
    });
  }

  get journal(): Journal {
    return this.#parts.journal;
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

  /** Brings everything up in order. On a failure takes everything down again and rejects `up`. */
  async bringUp(): Promise<void> {
    try {
      await bringUp(this.#parts, this.#phases);
      this.#state = "running";
      this.#phases.finish();
      this.journal.say("state", { state: "running" });
      this.#endWatches = watches.map((begin) => begin(this.#parts));
      step("keeper.up");
      this.#up.resolve();
    } catch (error) {
      const blamed = isMachineError(error) ? error : new MachineError("internal", messageOf(error), { stage: this.#phases.current, cause: error });
      this.#state = "failed";
      this.journal.say("state", { state: "failed", reason: messageOf(blamed) });
      await this.#takeDown(true, 0);
      this.#up.reject(blamed);
      this.#ended.resolve();
    }
  }

  /** Asks the guest to power off, waits, then insists. */
  async stop(force: boolean, timeoutMs: number): Promise<void> {
    if (this.#state === "starting") this.#phases.lose(new MachineError("interrupted", "the start was ended by a stop"));
    else if (this.#state === "running") {
      this.#state = "stopping";
      this.journal.say("state", { state: "stopping" });
      step("keeper.stopping");
      await this.#takeDown(force, timeoutMs);
      this.#ended.resolve();
    }
    await this.ended;
  }

  /** An ssh connection as that user; made when first asked for, and again after it broke. */
  connection(user?: string): Promise<GuestConnection> {
    return this.#parts.connections.as(user);
  }

  openPort(port: ResolvedPort): Promise<void> {
    return this.#parts.ports.open(port);
  }

  closePort(port: ResolvedPort): Promise<void> {
    return this.#parts.ports.close(port);
  }

  /** Every port that leads into the machine but ssh's own, those included that the guest asked the forwarder for. */
  openPorts(): Promise<readonly OpenPort[]> {
    return this.#parts.ports.list();
  }

  /** The folders of the host that the VM has. */
  get shares(): Shares {
    return this.#parts.shares;
  }

  status(): KeeperStatus {
    const { children, connections: { learnedHostKey }, ports, problems } = this.#parts;
    const { current, begun, times } = this.#phases;
    return {
      pid: process.pid, version: this.#version, state: this.#state, ...(current && { phase: current }),
      children: children.living.map(({ name, role, identity }) => ({ name, role, pid: identity.pid })),
      accelerator: this.plan.accelerator, ...(learnedHostKey !== undefined && { learnedHostKey }), ports: ports.own, guestPorts: ports.ofGuest, sockets: this.plan.sockets.map(({ host }) => host),
      problems: problems.reasons, begun, times, residentBytes: process.memoryUsage.rss(),
    };
  }

  #childEnded(child: Child, how: string): void {
    if (this.#state === "starting") {
      this.#phases.lose(new MachineError(child.role === "vm" ? "vm-exited" : "helper-exited", `${child.name} ${how} before the machine was up`, {
        stage: this.#phases.current, details: lastWords(child), hint: `Its whole output: glowplug logs ${this.plan.name} ${child.role === "vm" ? "vm" : "forwarder"}`,
      }));
    } else if (this.#state === "running" && child.role === "vm") {
      this.#state = "stopping";
      this.journal.say("state", { state: "stopping", reason: this.#parts.control.shutdownReason ?? `${child.name} ${how}` });
      void this.#takeDown(true, 0).then(() => this.#ended.resolve());
    }
  }

  async #takeDown(force: boolean, timeoutMs: number): Promise<void> {
    for (const end of this.#endWatches.splice(0).reverse()) await end();
    await takeDown(this.#parts, { force, timeoutMs });
  }
}
