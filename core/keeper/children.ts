import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diskError } from "../atomic.ts";
import type { CommandRecord } from "../command.ts";
import { endGroup } from "../process-group.ts";
import { isAlive } from "../process-identity.ts";
import { step } from "../step.ts";
import { pause } from "./again.ts";
import { adoptChild, describeExit, endChild, spawnChild, type Child, type ChildRecord, type ChildRole } from "./child.ts";
import type { Journal } from "./journal.ts";
import type { KeeperPlan, ProcessPlan } from "./plan.ts";
import { openFolders } from "./seal.ts";

/** Hears that a child has ended, and how in words. */
export type EndListener = (child: Child, how: string) => void;

/** The processes of a running machine. `children.json` names those that live, so that they are found when their keeper is lost. */
export class Children {
  readonly #plan: KeeperPlan;
  readonly #journal: Journal;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #all: Child[] = [];
  readonly #listeners = new Set<EndListener>();
  /** Those whose end is no news. */
  readonly #expected = new Set<Child>();

  constructor(plan: KeeperPlan, journal: Journal, environment: Readonly<Record<string, string | undefined>>) {
    this.#plan = plan;
    this.#journal = journal;
    this.#environment = environment;
  }

  get living(): readonly Child[] {
    return this.#all.filter((child) => !child.hasExited());
  }

  /** The last process that was spawned for a part of the plan. */
  of({ command, role }: ProcessPlan): Child | undefined {
    return this.#all.findLast((child) => child.role === role && child.name === command.name);
  }

  /** The VM's process, once it was spawned. */
  get vm(): Child | undefined {
    return this.#all.findLast(({ role }) => role === "vm");
  }

  async spawn(record: CommandRecord, role: ChildRole): Promise<Child> {
    const child = await spawnChild(record, role, this.#logOf(role), this.#environment);
    this.#all.push(child);
    step("keeper.spawned");
    try {
      this.#write();
    } catch (cause) {
      // Nobody would find it, and whoever tries again would have one more of them each time.
      await endChild(child, 2000);
      throw diskError(`${child.name} could not be written down`, cause);
    }
    step("keeper.noted");
    this.#follow(child, "spawned");
    return child;
  }

  /** Takes over what an earlier keeper spawned, all at once: the list on the disk stays whole. Returns those that have ended; what they left is ended. */
  async adopt(records: readonly ChildRecord[]): Promise<readonly ChildRecord[]> {
    const living = records.filter(({ identity }) => isAlive(identity));
    const gone = records.filter((record) => !living.includes(record));
    const taken = living.map((record) => adoptChild(record, this.#logOf(record.role)));
    this.#all.push(...taken);
    for (const child of taken) this.#follow(child, "adopted");
    await Promise.all(gone.map(({ identity }) => endGroup(identity)));
    this.#forget();
    return gone;
  }

  /** A process beside the VM. A socket that an earlier one left is in the way of some. */
  async spawnPlanned({ command, role, listens }: ProcessPlan): Promise<Child> {
    openFolders(listens);
    for (const path of listens) rmSync(path, { force: true });
    return this.spawn(command, role);
  }

  /** Calls back for every child that ends until the returned function is called. */
  onEnd(listener: EndListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether a child may end because its work is done, or has not begun: no listener hears of it then. */
  expectEnd(child: Child, expected = true): void {
    if (expected) this.#expected.add(child);
    else this.#expected.delete(child);
  }

  /** Ends a child whose work is done, where it has not ended by itself. No listener hears of it. */
  async retire(child: Child): Promise<void> {
    this.expectEnd(child);
    await Promise.race([child.exited, pause(2000)]);
    await endChild(child, 2000);
  }

  /** Ends all that still live, the last one first. */
  async endAll(): Promise<void> {
    for (const child of [...this.#all].reverse()) await endChild(child, 2000);
  }

  #follow(child: Child, action: "spawned" | "adopted"): void {
    this.#journal.say("child", { action, ...factsOf(child) });
    void child.exited.then((exit) => this.#ended(child, describeExit(exit)));
  }

  #logOf(role: ChildRole): string {
    return join(this.#plan.folders.logs, role === "vm" ? "vm.log" : "forwarder.log");
  }

  #ended(child: Child, how: string): void {
    this.#journal.say("child", { action: "ended", ...factsOf(child), how });
    this.#forget();
    if (!this.#expected.has(child)) for (const listener of this.#listeners) listener(child, how);
  }

  /** Takes those that have ended from the list. */
  #forget(): void {
    try {
      this.#write();
    } catch {
      // On a full disk the old list stays. It names some that are known to be gone.
    }
  }

  /** Readers find the old list or the new one. The folder is gone when the last one has ended after the machine. */
  #write(): void {
    const path = join(this.#plan.folders.runtime, "children.json");
    try {
      writeFileSync(`${path}.new`, JSON.stringify(this.living.map(({ name, role, program, identity }) => ({ name, role, program, identity }))), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function factsOf({ role, name, program, identity }: Child): Readonly<Record<string, unknown>> {
  return { role, name, program, pid: identity.pid };
}
