import { isMachineError, MachineError } from "../errors.ts";
import { step } from "../step.ts";
import { pause } from "./again.ts";
import type { GuestConsole } from "./console.ts";
import { deferred } from "./deferred.ts";
import type { Journal } from "./journal.ts";
import type { KeeperPlan, Phase } from "./plan.ts";

/** What a phase is called in messages. */
const phaseTitles: Readonly<Record<Phase, string>> = {
  helpers: "the forwarder to listen", monitor: "the VM's monitor", life: "the guest's first sign of life",
  ready: "the guest to be ready", ssh: "ssh", probe: "the sockets of the guest to answer",
};

/** The phases of a start: each is run against its deadline, and against the loss of what it waits on. */
export class Phases {
  readonly begun = Date.now();
  readonly #name: string;
  readonly #journal: Journal;
  readonly #console: GuestConsole;
  readonly #stopping: AbortSignal;
  readonly #lost = deferred<never>();
  readonly #times: Record<string, number> = {};
  #current: Phase | undefined;
  #reason: string | undefined;

  constructor({ name }: KeeperPlan, journal: Journal, console: GuestConsole, stopping: AbortSignal) {
    this.#name = name;
    this.#journal = journal;
    this.#console = console;
    this.#stopping = stopping;
  }

  /** The one that runs; undefined once all are over. */
  get current(): Phase | undefined {
    return this.#current;
  }

  /** Milliseconds from the beginning to each thing that happened. */
  get times(): Readonly<Record<string, number>> {
    return { ...this.#times };
  }

  /** Rejects when the start is lost. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  /** The start cannot succeed any more: a process has ended that it cannot do without, or the guest has given up. */
  lose(error: MachineError): void {
    this.#lost.reject(error);
  }

  async run(phase: Phase, limitMs: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#current = phase;
    this.#reason = undefined;
    this.#journal.say("phase", { phase, action: "begin" });
    const over = new AbortController();
    const limit = deferred<never>();
    const timer = setTimeout(() => {
      limit.reject(new MachineError("deadline", `waited ${limitMs / 1000} s for ${phaseTitles[phase]}${this.#reason === undefined ? "" : `; ${this.#reason}`}`, {
        stage: phase, details: this.#console.lastLines(12), hint: `The whole console: glowplug logs ${this.#name} serial`,
      }));
    }, limitMs);
    try {
      await Promise.race([work(AbortSignal.any([over.signal, this.#stopping])), limit.promise, this.lost]);
    } catch (error) {
      // A VM that dies also closes its sockets, and those are often noticed first: the death is the better reason.
      if (isMachineError(error) && error.code === "vm-exited") await Promise.race([this.lost, pause(1000)]);
      throw error;
    } finally {
      clearTimeout(timer);
      over.abort();
    }
    this.mark(phase);
    this.#journal.say("phase", { phase, action: "end" });
    step(`keeper.${phase}`);
  }

  /** What the running phase last failed at: told when its time is over. */
  because(reason: string): void {
    this.#reason = reason;
  }

  mark(what: string): void {
    this.#times[what] = Date.now() - this.begun;
  }

  /** All are over. */
  finish(): void {
    this.#current = undefined;
  }
}
