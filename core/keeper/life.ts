import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { adopt, reach } from "./adopt.ts";
import { pause } from "./again.ts";
import { finishRestart } from "./after-restart.ts";
import { bringUp } from "./bring-up.ts";
import { carryOver } from "./carry-over.ts";
import { lastWords, type Child } from "./child.ts";
import { mendClock } from "./clock-watch.ts";
import { deferred } from "./deferred.ts";
import { endingOf, type VmEnd } from "./ending.ts";
import type { Journal } from "./journal.ts";
import { partsFor, type Parts } from "./parts.ts";
import { Phases } from "./phases.ts";
import type { KeeperPlan } from "./plan.ts";
import type { KeeperStatus } from "./protocol.ts";
import { takeDown } from "./take-down.ts";
import { clearUp, writeUp, type UpFile } from "./up-file.ts";
import { watches } from "./watches.ts";

/** One boot of a machine: from its first process to its last. */
export class Life {
  readonly parts: Parts;
  readonly phases: Phases;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #ended = deferred<VmEnd>();
  #restarts: KeeperStatus["restarts"];
  #stopping: UpFile["stopping"];
  #endWatches: (() => Promise<void> | void)[] = [];
  #isUp = false;

  constructor(plan: KeeperPlan, journal: Journal, environment: Readonly<Record<string, string | undefined>>, restarts?: KeeperStatus["restarts"]) {
    this.#environment = environment;
    this.#restarts = restarts;
    this.parts = partsFor(plan, journal, environment);
    const { console, children, stopping } = this.parts;
    this.phases = new Phases(plan, journal, console, stopping.signal);
    children.onEnd((child, how) => this.#lose(this.#lossOf(child, how)));
    void console.failed.then(({ what, lines }) => this.#lose(new MachineError("first-boot-failed", what, {
      stage: this.phases.current, details: lines, hint: `The whole console: glowplug logs ${plan.name} serial`,
    })));
  }

  /** Resolves when the VM has ended, once the machine was up. */
  get ended(): Promise<VmEnd> {
    return this.#ended.promise;
  }

  /**
   * Brings everything up in order, with what an earlier life was given while it ran. Rejects with a MachineError that tells the phase;
   * what has begun is then to be taken down.
   */
  async bringUp(before?: Life): Promise<void> {
    const known = before?.parts.connections.learnedHostKey;
    if (known !== undefined) this.parts.connections.pin(known);
    try {
      await bringUp(this.parts, this.phases);
      if (before) await carryOver(before.parts, this.parts);
    } catch (error) {
      throw this.#blame(error);
    }
    this.#begin();
    if (before) this.#endWatches.push(finishRestart(this.parts, this.#environment));
  }

  /** Takes over a machine that is up, and returns what its lost keeper had written down. Rejects where that cannot be; the machine goes on as it was. */
  async adopt(): Promise<UpFile> {
    let up: UpFile;
    try {
      up = await adopt(this.parts, this.phases);
    } catch (error) {
      throw this.#blame(error);
    }
    this.#restarts = up.restarts;
    this.#stopping = up.stopping;
    this.#begin();
    const { plan, children, stopping: { signal } } = this.parts;
    const reached = reach(this.parts, signal);
    // The host may have slept meanwhile.
    void reached.then(() => (signal.aborted ? undefined : mendClock(this.parts, signal)));
    // A forwarder that has died meanwhile is brought back first: whoever has the machine taken over wants something of its guest.
    if (plan.forwarder && (children.of({ ...plan.forwarder, role: "forwarder" })?.hasExited() ?? true)) await Promise.race([reached, pause(plan.deadlines.sshMs, signal)]);
    return up;
  }

  /** Ends a start that is under way. */
  interrupt(): void {
    this.#lose(new MachineError("interrupted", "the start was ended by a stop"));
  }

  async takeDown(options: { readonly force: boolean; readonly timeoutMs: number }): Promise<void> {
    // Whoever takes the machine over in the middle of this goes on with it.
    this.#stopping = options;
    if (this.#isUp) this.#note();
    for (const end of this.#endWatches.splice(0).reverse()) await end();
    await takeDown(this.parts, options);
    clearUp(this.parts.plan.folders.runtime);
  }

  /** It is up. */
  #begin(): void {
    const { children: { vm }, ports } = this.parts;
    this.#isUp = true;
    this.phases.finish();
    void vm?.exited.then((exit) => this.#ended.resolve(this.#endingOf(vm, exit)));
    this.#note();
    this.#endWatches = [ports.onChange(() => this.#note()), ...watches.map((begin) => begin(this.parts))];
  }

  /** For a keeper that comes later. */
  #note(): void {
    const [restarts, stopping] = [this.#restarts, this.#stopping];
    const { plan, ports, connections: { learnedHostKey } } = this.parts;
    writeUp(plan.folders.runtime, {
      ports: ports.state, ...(learnedHostKey !== undefined && { hostKey: learnedHostKey }), ...(restarts && { restarts }), ...(stopping && { stopping }),
    });
  }

  #blame(error: unknown): MachineError {
    return isMachineError(error) ? error : new MachineError("internal", messageOf(error), { stage: this.phases.current, cause: error });
  }

  /** The start cannot succeed any more. */
  #lose(error: MachineError): void {
    if (!this.#isUp) this.phases.lose(error);
  }

  #lossOf(child: Child, how: string): MachineError {
    return new MachineError(child.role === "vm" ? "vm-exited" : "helper-exited", `${child.name} ${how} before the machine was up`, {
      stage: this.phases.current, details: lastWords(child), hint: `Its whole output: glowplug logs ${this.parts.plan.name} ${child.role === "vm" ? "vm" : "forwarder"}`,
    });
  }

  #endingOf(vm: Child, exit: Awaited<Child["exited"]>): VmEnd {
    const { control, console } = this.parts;
    return endingOf(vm, exit, { cause: control.cause, panic: control.hasPanicked ? (console.lastPanic ?? "") : undefined });
  }
}
