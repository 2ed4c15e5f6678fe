import { MachineError, messageOf } from "../errors.ts";
import { isAlive } from "../process-identity.ts";
import { pause } from "./again.ts";
import { BackOff } from "./back-off.ts";
import { describeExit, endChild, lastWords, type Child } from "./child.ts";
import { waitListening } from "./listening.ts";
import type { Parts } from "./parts.ts";
import type { ProcessPlan } from "./plan.ts";
import { relink } from "./relink.ts";
import { sealFolders } from "./seal.ts";
import type { Watch } from "./watch.ts";

/** The first one is back at once. */
const pausesMs = [0, 250, 500, 1000, 2000, 5000, 10_000, 30_000];
/** What has run so long is well. */
const calmMs = 60_000;
/** From so many ends in a row on the machine stays degraded until the process has run for a while. */
const tooOften = 3;

/** Brings back the forwarder when it ends, and gives the guest back what it had from it. A helper that serves no folder is a problem of the machine when it ends. */
export const superviseHelpers: Watch = (parts) => {
  const over = new AbortController();
  const { plan: { forwarder }, children, problems, shares } = parts;
  if (forwarder) void new Ward({ ...forwarder, role: "forwarder" }, parts, over.signal).watch();
  const off = children.onEnd((child, how) => {
    if (child.role === "helper" && !shares.servedBy(child)) problems.set(child.name, `${child.name} ${how}`);
  });
  return () => {
    off();
    over.abort();
  };
};

/** Whether the guest cannot be reached for want of a forwarder: it has ended, or is being brought back. */
export function lacksForwarder({ plan: { forwarder }, children, problems }: Parts): boolean {
  if (!forwarder) return false;
  const child = children.of({ ...forwarder, role: "forwarder" });
  return problems.has(forwarder.command.name) || child === undefined || !isAlive(child.identity);
}

/** One process that is brought back. */
class Ward {
  readonly #planned: ProcessPlan;
  readonly #parts: Parts;
  readonly #signal: AbortSignal;
  readonly #backOff = new BackOff(pausesMs, calmMs);

  constructor(planned: ProcessPlan, parts: Parts, signal: AbortSignal) {
    this.#planned = planned;
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Returns when the signal aborts. */
  async watch(): Promise<void> {
    const { children, ports } = this.#parts;
    const over = new Promise<void>((resolve) => this.#signal.addEventListener("abort", () => resolve(), { once: true }));
    for (let child = children.of(this.#planned); ; ) {
      const exit = await Promise.race([child?.exited, over]);
      if (this.#signal.aborted) return;
      if (this.#planned.role === "forwarder") ports.hold();
      child = await this.#bringBack(exit ? describeExit(exit) : "is not there");
    }
  }

  /** Tries until it is back. Undefined when the signal aborts before. */
  async #bringBack(how: string): Promise<Child | undefined> {
    const { problems } = this.#parts;
    const { name } = this.#planned.command;
    for (let reason = `${name} ${how}`; ; ) {
      const { count, pauseMs } = this.#backOff.next();
      problems.set(name, count <= tooOften ? `${reason}, and is brought back` : `${name} has ended ${count} times in a row; last: ${reason}`);
      await pause(pauseMs, this.#signal);
      if (this.#signal.aborted) return undefined;
      try {
        const child = await this.#spawn();
        await this.#rejoin(child);
        if (count <= tooOften) problems.clear(name);
        else void pause(calmMs, this.#signal).then(() => child.hasExited() || problems.clear(name));
        return child;
      } catch (error) {
        reason = messageOf(error);
      }
    }
  }

  async #spawn(): Promise<Child> {
    const { children, plan } = this.#parts;
    const child = await children.spawnPlanned(this.#planned);
    const death = child.exited.then((exit): never => {
      throw new MachineError("helper-exited", [`${child.name} ${describeExit(exit)}`, ...lastWords(child, 1)].join(": "));
    });
    death.catch(() => {});
    try {
      await waitListening(this.#planned.listens, { timeoutMs: plan.deadlines.helpersMs, signal: this.#signal, who: child.name, death });
    } catch (error) {
      await endChild(child, 1000);
      throw error;
    }
    sealFolders(this.#planned, plan.folders);
    return child;
  }

  /** What the guest had from it. A failure here is none of the process, which stays. */
  async #rejoin(child: Child): Promise<void> {
    const { problems, plan: { name } } = this.#parts;
    const about = `${child.name} rejoined`;
    const gone = new AbortController();
    void child.exited.then(() => gone.abort());
    try {
      if (child.role === "forwarder") await relink(this.#parts, AbortSignal.any([this.#signal, gone.signal]));
      else throw new MachineError("keeper", "this VM cannot take it back");
      problems.clear(about);
    } catch (error) {
      if (!this.#signal.aborted && !child.hasExited()) problems.set(about, `${child.name} was brought back, but the guest has nothing of it: ${messageOf(error)}; \`glowplug restart ${name}\` mends that`);
    }
  }
}
