import { MachineError } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import { Exposer, formatPort, portKey, type ExposeContext } from "./expose.ts";
import type { Journal } from "./journal.ts";
import type { KeeperPlan } from "./plan.ts";
import type { OpenPort } from "./protocol.ts";

/** The ports of the host that lead into a running machine. */
export class Ports {
  readonly #plan: KeeperPlan;
  readonly #journal: Journal;
  readonly #context: ExposeContext;
  readonly #open = new Map<string, OpenPort>();
  #exposer: Exposer | undefined;

  constructor(plan: KeeperPlan, journal: Journal, context: ExposeContext) {
    this.#plan = plan;
    this.#journal = journal;
    this.#context = context;
  }

  /** Those that this side asked for. */
  get own(): readonly ResolvedPort[] {
    return [...this.#open.values()].filter(({ by }) => by === "host").map(({ by: _, ...port }) => port);
  }

  /** Opens the ports of the plan. To be called once, when the guest can be reached; before it no port can be opened. */
  async openPlanned(): Promise<void> {
    this.#exposer = new Exposer(this.#plan.expose, this.#context);
    for (const port of this.#plan.openAtStart) this.#open.set(portKey(port), { ...port, by: "host" });
    for (const port of this.#plan.ports) await this.open(port);
  }

  /** Opens a port: for somebody on the host, or for a container of the guest. With `carry` it is carried over ssh. */
  async open(port: ResolvedPort, { by = "host", carry = false }: { readonly by?: OpenPort["by"]; readonly carry?: boolean } = {}): Promise<void> {
    if (!this.#exposer) throw new MachineError("wrong-state", `${this.#plan.name} is not up yet`);
    if (by === "guest" && this.#open.has(portKey(port))) throw new MachineError("port-taken", "the machine itself publishes that port");
    await this.#exposer.open(port, { carry });
    this.#open.set(portKey(port), { ...port, by });
    this.#journal.say("port", { action: "open", port: formatPort(port) });
  }

  async close(port: ResolvedPort): Promise<void> {
    await this.#exposer?.close(port);
    this.#open.delete(portKey(port));
    this.#journal.say("port", { action: "close", port: formatPort(port) });
  }

  /** Every port but ssh's own, those included that the guest asked the forwarder for. */
  async list(): Promise<readonly OpenPort[]> {
    const { host, port } = this.#plan.ssh;
    const known = new Set([portKey({ host, hostPort: port, guestPort: 22, protocol: "tcp" }), ...this.#open.keys()]);
    const others = ((await this.#exposer?.list()) ?? []).filter((other) => !known.has(portKey(other)));
    return [...this.#open.values(), ...others.map((one) => ({ ...one, by: "guest" as const }))];
  }
}
