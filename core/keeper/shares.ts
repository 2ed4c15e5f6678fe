import { rmSync } from "node:fs";
import { MachineError } from "../errors.ts";
import { shareTag } from "../kit.ts";
import type { Share } from "../model.ts";
import type { QmpStep, ShareMount } from "../roles/launcher.ts";
import { step } from "../step.ts";
import { lastWords, type Child } from "./child.ts";
import type { Children } from "./children.ts";
import type { VmControl } from "./control.ts";
import { waitListening } from "./listening.ts";
import type { KeeperPlan } from "./plan.ts";
import { filled, helperAtStart, helperCommand } from "./share-commands.ts";
import { readShareNotes, writeShareNotes, type NotedShare } from "./share-notes.ts";
import { endUnnoted } from "./unnoted.ts";

/** Longest wait for a step of the VM's: the guest itself lets a device go. */
const stepLimitMs = 30_000;

/**
 * The folders of the host that a running VM is given. The guest mounts them by itself. `shares.json` names them for a keeper that comes later.
 * A device whose helper has ended stays: QEMU connects none to another helper, and its guest cannot let it go before it boots anew.
 */
export class Shares {
  readonly #plan: KeeperPlan;
  readonly #children: Children;
  readonly #control: VmControl;
  readonly #mounts = new Map<string, ShareMount>();
  /** What an earlier keeper was plugging or unplugging when it was lost. */
  readonly #halfway: ShareMount[] = [];
  #lost: readonly ShareMount[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(plan: KeeperPlan, children: Children, control: VmControl) {
    this.#plan = plan;
    this.#children = children;
    this.#control = control;
    for (const { halfway, lost, ...mount } of readShareNotes(plan) ?? (plan.mounts as readonly NotedShare[])) {
      if (halfway) this.#halfway.push(mount);
      else if (lost) this.#lost = [...this.#lost, mount];
      else this.#mounts.set(mount.share.target, mount);
    }
  }

  get list(): readonly ShareMount[] {
    return [...this.#mounts.values()];
  }

  /** Devices that have nothing behind them any more, by what the guest knows them. */
  get lost(): readonly ShareMount[] {
    return this.#lost;
  }

  /** Folders whose helper is not there: an earlier keeper has lost it, or was just bringing it back. */
  get orphans(): readonly { readonly target: string; readonly helper: string }[] {
    const atStart = this.#plan.mounts.map(({ tag }) => tag);
    return this.list.flatMap((mount) => {
      // Of a helper that the plan does not join with its folder the name is not known for sure.
      const helper = atStart.includes(mount.tag) ? helperAtStart(this.#plan, mount.share)?.command.name : this.#helperName(mount);
      return helper === undefined || this.#helperOf(mount) ? [] : [{ target: mount.share.target, helper }];
    });
  }

  /** What a helper serves; undefined for one that serves no folder, or one that is just coming or going. */
  servedBy({ name, role }: Pick<Child, "name" | "role">): ShareMount | undefined {
    return role === "helper" ? this.list.find((mount) => this.#helperName(mount) === name) : undefined;
  }

  /**
   * Gives the VM a folder. Throws MachineError "conflict" where the target is taken, "unsupported-host" where this VM can be given
   * none while it runs; nothing is left of one that fails half-way.
   */
  add(share: Required<Share>): Promise<ShareMount> {
    return this.#inTurn(() => this.#add(share));
  }

  /** Takes a folder from the VM; the guest has unmounted it before. Throws MachineError "not-found", and "unsupported-host" where it stays until the VM ends. */
  remove(target: string): Promise<void> {
    return this.#inTurn(() => this.#remove(target));
  }

  /** Whether a helper serves what was plugged or unplugged then: its end is no news. */
  isHalfway(helper: string): boolean {
    return this.#halfway.some((mount) => !mount.dead && helperCommand(this.#plan, mount)?.name === helper);
  }

  /** Takes from the VM what was plugged or unplugged when an earlier keeper was lost: nobody was told that it has it. */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      for (const mount of this.#halfway.splice(0)) {
        // The helper that bears the name of a dead one's serves what has taken its place.
        const child = mount.dead ? undefined : this.#helperOf(mount);
        const command = mount.dead ? undefined : helperCommand(this.#plan, mount);
        if (child) this.#children.expectEnd(child);
        // It may never have come so far.
        for (const one of this.#removal(mount)) await this.#control.qmp?.step(one, stepLimitMs).catch(() => {});
        if (child) await this.#children.retire(child);
        else if (command) await endUnnoted(command, this.#plan);
        this.#write();
      }
    });
  }

  /** The helper of a folder has ended: nobody is to touch it in the guest. */
  bury(target: string): void {
    const mount = this.#mounts.get(target);
    if (!mount) return;
    this.#mounts.set(target, { ...mount, dead: true });
    try {
      this.#write();
    } catch {
      // On a full disk the old list stays: a keeper that comes later sees by itself that the helper is gone.
    }
  }

  /**
   * Gives the VM a folder anew whose helper has ended. Throws MachineError "unsupported-host" where that cannot be while it runs;
   * nothing is left of what fails half-way.
   */
  revive(target: string, signal: AbortSignal): Promise<ShareMount> {
    return this.#inTurn(() => this.#revive(target, signal));
  }

  /** Takes a device with nothing behind it from the VM. A guest in which somebody waits for it lets neither it go, nor any other that comes later. */
  drop(mount: ShareMount): Promise<void> {
    return this.#inTurn(() => this.#drop(mount));
  }

  async #add(share: Required<Share>): Promise<ShareMount> {
    if (this.#mounts.has(share.target)) throw new MachineError("conflict", `${this.#plan.name} has a volume at ${share.target} already`, { hint: "Remove it first, or choose another target." });
    const mount = await this.#plug(share, AbortSignal.timeout(this.#plan.deadlines.helpersMs + 1000));
    this.#mounts.set(share.target, mount);
    this.#write();
    return mount;
  }

  async #revive(target: string, signal: AbortSignal): Promise<ShareMount> {
    // It may have waited for its turn until the machine goes down: nobody would end a helper that is spawned then.
    signal.throwIfAborted();
    const before = this.#mounts.get(target);
    if (!before?.dead) throw new MachineError("not-found", `${this.#plan.name} has lost no volume at ${target}`);
    const mount = await this.#plug(before.share, signal);
    this.#mounts.set(target, mount);
    this.#lost = [...this.#lost, before];
    this.#write();
    return mount;
  }

  /** Spawns the helper of a folder, where it had one at the start that one, and plugs a device for it. */
  async #plug(share: Required<Share>, signal: AbortSignal): Promise<ShareMount> {
    const { hotShares, deadlines } = this.#plan;
    const { qmp } = this.#control;
    if (!hotShares || !qmp || !(share.readOnly ? hotShares.readOnly : hotShares.writable)) throw this.#notNow("be given this folder");
    const there = [...this.#mounts.values(), ...this.#lost];
    const slot = hotShares.slots?.find((one) => !there.some((other) => other.slot === one));
    if (hotShares.slots && slot === undefined) throw this.#notNow("be given more folders");
    const tag = tags(share.target).find((one) => !there.some((other) => other.tag === one)) ?? "";
    const mount: ShareMount = { share, kind: hotShares.kind, tag, ...(slot !== undefined && { slot }) };
    const command = helperCommand(this.#plan, mount);
    if (!command) throw this.#notNow("be given this folder");
    this.#write(mount);
    const socket = filled(hotShares.socket, mount);
    rmSync(socket, { force: true });
    const child = await this.#children.spawn(command, "helper");
    this.#children.expectEnd(child);
    try {
      const death = child.exited.then(() => Promise.reject(new MachineError("helper-exited", [`${child.name} ended before it listened`, ...lastWords(child, 1)].join(": "), { hint: `Its output: glowplug logs ${this.#plan.name} forwarder` })));
      death.catch(() => {});
      await waitListening([socket], { timeoutMs: deadlines.helpersMs, signal, who: child.name, death });
      await Promise.race([death, (async () => {
        for (const one of filled(hotShares.add, mount)) await qmp.step(one, stepLimitMs);
      })()]);
      step("keeper.plugged");
    } catch (error) {
      for (const one of this.#removal(mount)) await qmp.step(one, stepLimitMs).catch(() => {});
      await this.#children.retire(child);
      this.#write();
      throw error;
    }
    this.#children.expectEnd(child, false);
    return mount;
  }

  async #remove(target: string): Promise<void> {
    const { hotShares } = this.#plan;
    const { qmp } = this.#control;
    const mount = this.#mounts.get(target);
    if (!mount) throw new MachineError("not-found", `${this.#plan.name} has no volume at ${target}`, { hint: `\`glowplug volume ls ${this.#plan.name}\` shows those that it has.` });
    if (!hotShares || !qmp || mount.kind !== hotShares.kind || (hotShares.slots && mount.slot === undefined)) throw this.#notNow("be rid of this folder");
    const child = this.#helperOf(mount);
    if (child) this.#children.expectEnd(child);
    if (mount.dead) this.#lost = [...this.#lost, mount];
    else await this.#unplug(mount);
    this.#mounts.delete(target);
    try {
      this.#write();
    } finally {
      if (child) await this.#children.retire(child);
    }
  }

  async #drop(mount: ShareMount): Promise<void> {
    if (!this.#lost.includes(mount)) return;
    await this.#unplug(mount);
    this.#lost = this.#lost.filter((one) => one !== mount);
    this.#write();
  }

  async #unplug(mount: ShareMount): Promise<void> {
    this.#write(mount);
    try {
      for (const one of this.#removal(mount)) await this.#control.qmp?.step(one, stepLimitMs);
      step("keeper.unplugged");
    } catch (error) {
      this.#write();
      throw error;
    }
  }

  #removal(mount: ShareMount): readonly QmpStep[] {
    const { hotShares } = this.#plan;
    return hotShares ? filled(hotShares.remove, mount) : [];
  }

  /** With one that is being plugged or unplugged. */
  #write(halfway?: ShareMount): void {
    const noted: readonly NotedShare[] = [...this.list, ...this.#lost.map((mount) => ({ ...mount, lost: true as const }))].filter(({ tag }) => tag !== halfway?.tag);
    writeShareNotes(this.#plan, [...noted, ...(halfway ? [{ ...halfway, halfway: true as const }] : [])]);
  }

  #helperOf(mount: ShareMount): Child | undefined {
    const name = this.#helperName(mount);
    return this.#children.living.find((child) => child.role === "helper" && child.name === name);
  }

  #helperName(mount: ShareMount): string | undefined {
    const { hotShares } = this.#plan;
    return helperAtStart(this.#plan, mount.share)?.command.name ?? (hotShares && filled(hotShares.writable.name, mount));
  }

  #notNow(what: string): MachineError {
    return new MachineError("unsupported-host", `${this.#plan.name} cannot ${what} while it runs`, { hint: `It takes effect at the next start: glowplug restart ${this.#plan.name}` });
  }

  /** One after the other: each plugs and unplugs. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next;
    return next;
  }
}

/** By what a folder can be known to the guest: its tag, and more for one that is given anew. */
function tags(target: string): readonly string[] {
  const tag = shareTag(target);
  return [tag, ...Array.from({ length: 99 }, (_, index) => `${tag}-${index + 2}`)];
}
