import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { finishRestart } from "./after-restart.ts";
import { bringUp } from "./bring-up.ts";
import { carryOver } from "./carry-over.ts";
import { lastWords, type Child } from "./child.ts";
import { deferred } from "./deferred.ts";
import { endingOf, type VmEnd } from "./ending.ts";
import type { Journal } from "./journal.ts";
import { partsFor, type Parts } from "./parts.ts";
import { Phases } from "./phases.ts";
import type { KeeperPlan } from "./plan.ts";
import { takeDown } from "./take-down.ts";
import { watches } from "./watches.ts";

/** One boot of a machine: from its first process to its last. */
export class Life {
  readonly parts: Parts;
  readonly phases: Phases;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #ended = deferred<VmEnd>();
  #endWatches: (() => Promise<void> | void)[] = [];
  #isUp = false;

  constructor(plan: KeeperPlan, journal: Journal, environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment;
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
    try {
      await bringUp(this.parts, this.phases);
      if (before) await carryOver(before.parts, this.parts);
    } catch (error) {
      throw isMachineError(error) ? error : new MachineError("internal", messageOf(error), { stage: this.phases.current, cause: error });
    }
    this.#isUp = true;
    this.phases.finish();
    const { children: { vm } } = this.parts;
    void vm?.exited.then((exit) => this.#ended.resolve(this.#endingOf(vm, exit)));
    this.#endWatches = watches.map((begin) => begin(this.parts));
    if (before) this.#endWatches.push(finishRestart(this.parts, this.#environment));
  }

  /** Ends a start that is under way. */
  interrupt(): void {
    this.#lose(new MachineError("interrupted", "the start was ended by a stop"));
  }

  async takeDown(options: { readonly force: boolean; readonly timeoutMs: number }): Promise<void> {
    for (const end of this.#endWatches.splice(0).reverse()) await end();
    await takeDown(this.parts, options);
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
