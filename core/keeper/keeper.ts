import { join } from "node:path";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { within } from "../limit.ts";
import type { ResolvedPort } from "../model.ts";
import type { GuestConnection } from "../ssh.ts";
import { step } from "../step.ts";
import { again, pause } from "./again.ts";
import { deferred } from "./deferred.ts";
import { writeEnded } from "./ended.ts";
import type { VmEnd } from "./ending.ts";
import { Journal } from "./journal.ts";
import { Life } from "./life.ts";
import type { KeeperPlan } from "./plan.ts";
import type { KeeperStatus, OpenPort } from "./protocol.ts";
import { RestartPolicy } from "./restart-policy.ts";
import { lacksForwarder } from "./supervise.ts";
import { forgetShares } from "./share-notes.ts";
import type { Shares } from "./shares.ts";

/** How long the way into the guest may take to be there again. */
const wayMs = 20_000;

export interface KeeperOptions {
  readonly version: string;
  /** It is to take over a machine that is up. Default: false, it brings one up. */
  readonly adopts?: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Pauses before the machine is started again, in milliseconds; as many as there may be in a row. */
  readonly restartPausesMs?: readonly number[];
}

/** The running machine: its state, and the order of its lives. It knows nothing but its plan. */
export class Keeper {
  readonly plan: KeeperPlan;
  readonly journal: Journal;
  readonly #options: KeeperOptions;
  readonly #policy: RestartPolicy;
  readonly #asked = deferred<void>();
  readonly #ended = deferred<void>();
  /** Aborts when somebody has asked for the machine's end. */
  readonly #stop = new AbortController();
  #life: Life;
  #up = deferred<void>();
  #state: KeeperStatus["state"] = "starting";
  #restarts: KeeperStatus["restarts"];

  constructor(plan: KeeperPlan, options: KeeperOptions) {
    this.plan = plan;
    this.#options = options;
    this.journal = new Journal(plan.name, join(plan.folders.logs, "events.jsonl"));
    this.#policy = new RestartPolicy(plan.restart, options.restartPausesMs);
    this.#life = this.#newLife();
    if (options.adopts) this.#state = "adopting";
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

  /** The machine is not brought up, and whoever asks for it is told why. */
  refuse(reason: MachineError): void {
    this.#say("failed", reason.message);
    this.#up.reject(reason);
    this.#ended.resolve();
  }

  /** Brings everything up in order. On a failure takes everything down again and rejects `up`. */
  async bringUp(): Promise<void> {
    try {
      await this.#life.bringUp();
    } catch (error) {
      this.#say("failed", messageOf(error));
      await this.#life.takeDown({ force: true, timeoutMs: 0 });
      this.#say("stopped");
      this.#up.reject(error);
      this.#ended.resolve();
      return;
    }
    this.#isUp();
    void this.#accompany();
  }

  /** Takes over a machine that is up and has lost its keeper. Where that cannot be, it is false and rejects `up`, and the machine goes on as it was. */
  async adopt(): Promise<boolean> {
    try {
      const { restarts, stopping } = await this.#life.adopt();
      this.#restarts = restarts;
      this.journal.say("note", { about: "keeper", text: `process ${process.pid} looks after the machine now` });
      this.#isUp();
      void this.#accompany();
      if (stopping) void this.stop(stopping.force, stopping.timeoutMs);
      return true;
    } catch (error) {
      this.journal.say("note", { about: "keeper", text: `the machine cannot be taken over: ${messageOf(error)}` });
      this.#up.reject(error);
      this.#ended.resolve();
      return false;
    }
  }

  /** Asks the guest to power off, waits, then insists. */
  async stop(force: boolean, timeoutMs: number): Promise<void> {
    if (this.#state === "adopting") {
      this.ask();
      await this.up.catch(() => {});
    }
    this.#stop.abort();
    if (this.#state === "starting") this.#life.interrupt();
    else if (this.#state === "running") {
      this.#say("stopping");
      step("keeper.stopping");
      await this.#life.takeDown({ force, timeoutMs });
      this.#end();
    }
    await this.ended;
  }

  /** An ssh connection as that user; made when first asked for, and again after it broke. While the forwarder is brought back it is waited for. */
  connection(user?: string): Promise<GuestConnection> {
    const { parts } = this.#life;
    return again(() => parts.connections.as(user), within(wayMs, parts.stopping.signal), (error) => !lacksForwarder(parts) || (isMachineError(error) && error.code === "host-key"));
  }

  get shares(): Shares {
    return this.#life.parts.shares;
  }

  openPort(port: ResolvedPort): Promise<void> {
    return this.#life.parts.ports.open(port);
  }

  closePort(port: ResolvedPort): Promise<void> {
    return this.#life.parts.ports.close(port);
  }

  /** Every port that leads into the machine but ssh's own, those included that the guest asked the forwarder for. */
  openPorts(): Promise<readonly OpenPort[]> {
    return this.#life.parts.ports.list();
  }

  status(): KeeperStatus {
    const { children, connections: { learnedHostKey }, ports, problems } = this.#life.parts;
    const { current, begun, times } = this.#life.phases;
    // The end of a VM that was taken over is heard of a moment later.
    const isGone = this.#state === "running" && this.plan.restart === "never" && children.vm?.hasExited() === true;
    return {
      pid: process.pid, version: this.#options.version, state: isGone ? "stopping" : this.#state, ...(current && { phase: current }),
      children: children.living.map(({ name, role, identity }) => ({ name, role, pid: identity.pid })),
      accelerator: this.plan.accelerator, ...(learnedHostKey !== undefined && { learnedHostKey }), ports: ports.own, guestPorts: ports.ofGuest, sockets: this.plan.sockets.map(({ host }) => host),
      problems: problems.reasons, ...(this.#restarts && { restarts: this.#restarts }), begun, times, residentBytes: process.memoryUsage.rss(),
    };
  }

  /** Stays with a machine that is up: where its VM ends by itself, starts it again as the plan says, or ends everything. */
  async #accompany(): Promise<void> {
    for (let end = await this.#life.ended; this.#state !== "stopping"; ) {
      const next = this.#policy.after(end);
      if (next.kind === "start" && !this.#stop.signal.aborted) this.#again(end);
      else this.#say("stopping", next.kind === "end" ? next.end.reason : undefined);
      await this.#life.takeDown({ force: true, timeoutMs: 0 });
      if (next.kind === "end") return this.#end(this.#stop.signal.aborted ? undefined : next.end);
      await pause(next.pauseMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return this.#end();
      const before = this.#life;
      forgetShares(this.plan);
      this.#life = this.#newLife();
      try {
        await this.#life.bringUp(before);
        this.#isUp();
        end = await this.#life.ended;
      } catch (error) {
        end = { reason: `it did not start again: ${messageOf(error)}`, failed: true };
      }
    }
  }

  /** The machine is on its way up once more. */
  #again({ reason }: VmEnd): void {
    this.#up = deferred();
    this.#restarts = { count: (this.#restarts?.count ?? 0) + 1, at: new Date().toISOString(), reason };
    this.#say("starting", reason);
  }

  #isUp(): void {
    this.#say("running");
    step("keeper.up");
    this.#up.resolve();
  }

  /** Nothing of the machine is left. An end that nobody asked for is written down. */
  #end(end?: VmEnd): void {
    if (end) writeEnded(this.plan.folders.data, { at: new Date().toISOString(), ...end });
    this.#say("stopped", end?.reason);
    this.#up.reject(new MachineError("vm-exited", `${this.plan.name} has ended: ${end?.reason ?? "it was stopped"}`));
    this.#ended.resolve();
  }

  #say(state: KeeperStatus["state"] | "stopped", reason?: string): void {
    if (state !== "stopped") this.#state = state;
    this.journal.say("state", { state, ...(reason !== undefined && { reason }) });
  }

  #newLife(): Life {
    return new Life(this.plan, this.journal, this.#options.environment, this.#restarts);
  }
}
