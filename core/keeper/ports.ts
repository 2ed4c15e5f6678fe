import { MachineError, messageOf } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import { step } from "../step.ts";
import { Exposer, formatPort, portKey, type ExposeContext, type ListedPort } from "./expose.ts";
import { portOf, refusalOf, type Forward, type GuestRule } from "./forwards.ts";
import type { Journal } from "./journal.ts";
import type { KeeperPlan } from "./plan.ts";
import type { Problems } from "./problems.ts";
import type { OpenPort } from "./protocol.ts";

/** What is open, for a keeper that comes later. */
export interface OpenPorts {
  /** With those that this side carries over ssh told from those that the forwarder or the VM leads into the guest. */
  readonly open: readonly (OpenPort & { readonly carried: boolean })[];
  /** What the guest has asked the forwarder for. */
  readonly guests: readonly ListedPort[];
  /** One that is just being opened: nobody was told yet that it is. */
  readonly opening?: ResolvedPort;
  /** The forwarder was just being replaced: the new one leads nowhere yet. */
  readonly held?: boolean;
}

/** The ports of the host that lead into a running machine. */
export class Ports {
  readonly #plan: KeeperPlan;
  readonly #journal: Journal;
  readonly #problems: Problems;
  readonly #context: ExposeContext;
  readonly #open = new Map<string, OpenPort>();
  #exposer: Exposer | undefined;
  /** What the guest asked the forwarder for, as far as is known. */
  #guests: readonly ListedPort[] = [];
  #opening: ResolvedPort | undefined;
  readonly #listeners = new Set<() => void>();
  /** The forwarder is gone, and a new one does not know yet what was open. */
  #isHeld = false;
  /** One change at a time: what the forwarder lists and what we believe is open are compared in between. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plan: KeeperPlan, journal: Journal, problems: Problems, context: ExposeContext) {
    this.#plan = plan;
    this.#journal = journal;
    this.#problems = problems;
    this.#context = context;
  }

  /** All of them, as `adopt` takes them. */
  get state(): OpenPorts {
    const open = [...this.#open.values()].map((port) => ({ ...port, carried: this.#exposer?.isCarried(port) ?? false }));
    return { open, guests: this.#guests, ...(this.#opening && { opening: this.#opening }), ...(this.#isHeld && { held: true }) };
  }

  /** Calls back whenever `state` has changed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Those that this side asked for. */
  get own(): readonly ResolvedPort[] {
    return [...this.#open.values()].filter(({ by }) => by === "host").map(({ by: _, ...port }) => port);
  }

  /** Those that programs in the guest had opened when that was last looked at. */
  get ofGuest(): readonly ResolvedPort[] {
    return [...[...this.#open.values()].filter(({ by }) => by === "guest").map(({ by: _, ...port }) => port), ...this.#guests.map(({ port }) => port)];
  }

  /** Opens the ports of the plan. To be called once, when the guest can be reached; before it no port can be opened. */
  async openPlanned(): Promise<void> {
    this.#exposer = new Exposer(this.#plan.expose, this.#context);
    for (const port of this.#plan.openAtStart) this.#open.set(portKey(port), { ...port, by: "host" });
    for (const port of this.#plan.ports) await this.open(port);
  }

  /** Opens a port: for somebody on the host, or for a container of the guest. With `carry` it is carried over ssh. */
  open(port: ResolvedPort, { by = "host", carry = false }: { readonly by?: OpenPort["by"]; readonly carry?: boolean } = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#exposer) throw new MachineError("wrong-state", `${this.#plan.name} is not up yet`);
      if (by === "guest" && this.#open.has(portKey(port))) throw new MachineError("port-taken", "the machine itself publishes that port");
      this.#opening = port;
      this.#changed();
      try {
        await this.#exposer.open(port, { carry });
        step("keeper.port");
        this.#open.set(portKey(port), { ...port, by });
      } finally {
        this.#opening = undefined;
        this.#changed();
      }
      this.#problems.clear(aboutPort(port));
      this.#journal.say("port", { action: "open", port: formatPort(port), ...(by === "guest" && { by }) });
    });
  }

  close(port: ResolvedPort): Promise<void> {
    return this.#inTurn(async () => {
      // One that could not be opened again is closed already.
      if (!this.#problems.has(aboutPort(port))) await this.#exposer?.close(port);
      this.#open.delete(portKey(port));
      this.#changed();
      this.#problems.clear(aboutPort(port));
      this.#journal.say("port", { action: "close", port: formatPort(port) });
    });
  }

  /** Every port but ssh's own, those included that the guest asked the forwarder for. */
  async list(): Promise<readonly OpenPort[]> {
    await this.remember();
    return [...this.#open.values(), ...this.#guests.map(({ port }) => ({ ...port, by: "guest" as const }))];
  }

  /** Notes what the guest has asked the forwarder for. */
  async remember(): Promise<void> {
    if (this.#isHeld) return;
    const listed = (await this.#exposer?.list()) ?? [];
    if (!this.#isHeld) this.#noteGuests(this.#notOurs(listed));
  }

  /**
   * Notes what the guest has asked the forwarder for, closes what it may not have, and opens again what it closed of ours: the forwarder
   * obeys whoever is in the guest. Throws where the forwarder cannot be asked.
   */
  guard(rule: GuestRule): Promise<void> {
    return this.#inTurn(async () => {
      const exposer = this.#exposer;
      if (this.#isHeld || !exposer) return;
      const listed = await exposer.forwards();
      if (this.#isHeld || !listed) return;
      const missing = new Map([this.#ssh, ...this.#open.values()].flatMap((port) => {
        const forward = this.#problems.has(aboutPort(port)) ? undefined : exposer.forwardOf(port);
        return forward ? [[keyOf(forward), { port, forward }] as const] : [];
      }));
      const guests: ListedPort[] = [];
      for (const forward of listed) {
        const own = missing.get(keyOf(forward));
        if (own?.forward.remote === forward.remote) {
          missing.delete(keyOf(forward));
          continue;
        }
        const port = portOf(forward);
        const why = own ? "it took the place of one of ours" : port ? refusalOf(port, rule) : "the guest may open ports, and nothing else";
        if (why !== undefined) await this.#settle("refused", forward, why, () => exposer.drop(forward));
        else if (port) guests.push({ port, forward });
      }
      for (const { port, forward } of missing.values()) await this.#settle("reopened", forward, "the guest had closed it", () => exposer.open(port));
      this.#noteGuests(guests);
    });
  }

  /** The forwarder is gone: what is known to be open is kept until `reopen`. */
  hold(): void {
    this.#isHeld = true;
    this.#changed();
  }

  /** Opens everything anew behind a new forwarder. What cannot be opened is a problem of the machine. */
  async reopen(): Promise<void> {
    const exposer = this.#exposer;
    if (exposer) {
      const started = new Set(this.#plan.openAtStart.map(portKey));
      for (const port of this.#open.values()) if (!started.has(portKey(port)) && exposer.isForwarders(port)) await this.#again(port, () => exposer.open(port));
      for (const listed of this.#guests) await this.#again(listed.port, () => exposer.restore(listed));
    }
    this.#isHeld = false;
    this.#changed();
  }

  /** Opens what an earlier life of the machine had open beside its plan. What cannot be opened is a problem of the machine. */
  async carryOver(before: readonly ResolvedPort[]): Promise<void> {
    const exposer = this.#exposer;
    for (const port of before.filter((one) => !this.#open.has(portKey(one)))) {
      this.#open.set(portKey(port), { ...port, by: "host" });
      await this.#again(port, async () => exposer?.open(port));
    }
  }

  /** Takes over what an earlier keeper had open: what the forwarder or the VM leads into the guest stays so, what the keeper carried is opened again. */
  adopt({ open, guests, opening, held = false }: OpenPorts): Promise<void> {
    return this.#inTurn(async () => {
      this.#isHeld = held;
      const exposer = new Exposer(this.#plan.expose, this.#context);
      this.#exposer = exposer;
      this.#guests = guests;
      for (const { by: _, carried: __, ...port } of open.filter(({ by }) => by === "host")) this.#open.set(portKey(port), { ...port, by: "host" });
      // Whoever asked for it was never answered; and whoever follows the guest's containers opens theirs anew.
      const undone = open.filter(({ by, carried }) => by === "guest" && !carried);
      for (const port of [...(opening ? [opening] : []), ...undone]) await exposer.close(port).catch(() => {});
      // A forwarder that does not answer is about to be replaced, and gets them all then.
      const listed = (await exposer.list().catch(() => [])).map(({ port }) => portKey(port));
      const stay = new Set([...this.#plan.openAtStart.map(portKey), ...listed]);
      for (const { by, carried, ...port } of open) {
        const stays = stay.has(portKey(port)) || (this.#plan.expose.kind === "monitor" && !carried);
        if (by === "host" && !stays) await this.#again(port, () => exposer.open(port, { carry: carried })).catch(() => {});
      }
      this.#changed();
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  async #again(port: ResolvedPort, open: () => Promise<void>): Promise<void> {
    try {
      await open();
      this.#problems.clear(aboutPort(port));
      this.#journal.say("port", { action: "open", port: formatPort(port) });
    } catch (error) {
      // The forwarder has ended once more: it is all done again then.
      if (error instanceof MachineError && error.code === "helper-exited") throw error;
      this.#problems.set(aboutPort(port), `a port is not open any more: ${messageOf(error)}`);
    }
  }

  async #settle(action: string, { local, protocol }: Forward, why: string, work: () => Promise<void>): Promise<void> {
    const failed = await work().then(() => undefined, messageOf);
    this.#journal.say("port", { action, port: `${local}/${protocol}`, why, ...(failed !== undefined && { failed }) });
  }

  #noteGuests(guests: readonly ListedPort[]): void {
    const [before, now] = [this.#guests, guests].map((list) => new Map(list.map(({ port }) => [portKey(port), port]))) as [Map<string, ResolvedPort>, Map<string, ResolvedPort>];
    for (const [key, port] of now) if (!before.has(key)) this.#journal.say("port", { action: "open", port: formatPort(port), by: "guest" });
    for (const [key, port] of before) if (!now.has(key)) this.#journal.say("port", { action: "close", port: formatPort(port), by: "guest" });
    const isNew = JSON.stringify(guests) !== JSON.stringify(this.#guests);
    this.#guests = guests;
    if (isNew) this.#changed();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  get #ssh(): ResolvedPort {
    const { host, port } = this.#plan.ssh;
    return { host, hostPort: port, guestPort: 22, protocol: "tcp" };
  }

  #notOurs(listed: readonly ListedPort[]): readonly ListedPort[] {
    const known = new Set([portKey(this.#ssh), ...this.#open.keys()]);
    return listed.filter((other) => !known.has(portKey(other.port)));
  }
}

/** A forwarder has each only once. */
function keyOf({ local, protocol }: Forward): string {
  return `${protocol}/${local}`;
}

function aboutPort(port: ResolvedPort): string {
  return `port ${portKey(port)}`;
}
