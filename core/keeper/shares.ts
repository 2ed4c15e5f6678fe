import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandRecord } from "../command.ts";
import { MachineError } from "../errors.ts";
import { shareTag } from "../kit.ts";
import type { Share } from "../model.ts";
import type { QmpStep, ShareMount } from "../roles/launcher.ts";
import { step } from "../step.ts";
import type { Child } from "./child.ts";
import type { Children } from "./children.ts";
import type { VmControl } from "./control.ts";
import { waitListening } from "./listening.ts";
import type { KeeperPlan } from "./plan.ts";

/** Longest wait for a step of the VM's: the guest itself lets a device go. */
const stepLimitMs = 30_000;

/** As it stands in `shares.json`. */
type NotedShare = ShareMount & { readonly halfway?: true };

/** The folders of the host that a running VM is given. The guest mounts them by itself. `shares.json` names them for a keeper that comes later. */
export class Shares {
  readonly #plan: KeeperPlan;
  readonly #children: Children;
  readonly #control: VmControl;
  readonly #mounts = new Map<string, ShareMount>();
  /** What an earlier keeper was plugging or unplugging when it was lost. */
  readonly #halfway: ShareMount[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(plan: KeeperPlan, children: Children, control: VmControl) {
    this.#plan = plan;
    this.#children = children;
    this.#control = control;
    for (const { halfway, ...mount } of readShares(fileOf(plan)) ?? (plan.mounts as readonly NotedShare[])) {
      if (halfway) this.#halfway.push(mount);
      else this.#mounts.set(mount.share.target, mount);
    }
  }

  get list(): readonly ShareMount[] {
    return [...this.#mounts.values()];
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
    const { hotShares } = this.#plan;
    return hotShares !== undefined && this.#halfway.some((mount) => filled(hotShares.writable.name, mount) === helper);
  }

  /** Takes from the VM what was plugged or unplugged when an earlier keeper was lost: nobody was told that it has it. */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      for (const mount of this.#halfway.splice(0)) {
        const child = this.#helperOf(mount);
        if (child) this.#children.expectEnd(child);
        // It may never have come so far.
        for (const one of this.#removal(mount)) await this.#control.qmp?.step(one, stepLimitMs).catch(() => {});
        if (child) await this.#children.retire(child);
        this.#write();
      }
    });
  }

  async #add(share: Required<Share>): Promise<ShareMount> {
    const { hotShares } = this.#plan;
    const { qmp } = this.#control;
    if (this.#mounts.has(share.target)) throw new MachineError("conflict", `${this.#plan.name} has a volume at ${share.target} already`, { hint: "Remove it first, or choose another target." });
    const helper = share.readOnly ? hotShares?.readOnly : hotShares?.writable;
    if (!hotShares || !qmp || !helper) throw this.#notNow("be given this folder");
    const slot = hotShares.slots?.find((one) => ![...this.#mounts.values()].some((other) => other.slot === one));
    if (hotShares.slots && slot === undefined) throw this.#notNow("be given more folders");
    const mount: ShareMount = { share, kind: hotShares.kind, tag: shareTag(share.target), ...(slot !== undefined && { slot }) };
    this.#write(mount);
    const child = await this.#children.spawn(filled(helper, mount), "helper");
    this.#children.expectEnd(child);
    try {
      const death = child.exited.then(() => Promise.reject(new MachineError("helper-exited", `${child.name} ended before it listened`, { hint: `Its output: glowplug logs ${this.#plan.name} forwarder` })));
      death.catch(() => {});
      await waitListening([filled(hotShares.socket, mount)], { timeoutMs: this.#plan.deadlines.helpersMs, signal: AbortSignal.timeout(this.#plan.deadlines.helpersMs + 1000), who: child.name, death });
      for (const one of filled(hotShares.add, mount)) await qmp.step(one, stepLimitMs);
      step("keeper.plugged");
    } catch (error) {
      for (const one of this.#removal(mount)) await qmp.step(one, stepLimitMs).catch(() => {});
      await this.#children.retire(child);
      this.#write();
      throw error;
    }
    this.#children.expectEnd(child, false);
    this.#mounts.set(share.target, mount);
    this.#write();
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
    this.#write(mount);
    try {
      for (const one of this.#removal(mount)) await qmp.step(one, stepLimitMs);
      step("keeper.unplugged");
    } catch (error) {
      this.#write();
      throw error;
    }
    this.#mounts.delete(target);
    this.#write();
    if (child) await this.#children.retire(child);
  }

  #removal(mount: ShareMount): readonly QmpStep[] {
    const { hotShares } = this.#plan;
    return hotShares ? filled(hotShares.remove, mount) : [];
  }

  /** With one that is being plugged or unplugged. Readers find the old list or the new one. */
  #write(halfway?: ShareMount): void {
    const path = fileOf(this.#plan);
    const noted: readonly NotedShare[] = [...this.list.filter(({ share }) => share.target !== halfway?.share.target), ...(halfway ? [{ ...halfway, halfway: true as const }] : [])];
    writeFileSync(`${path}.new`, JSON.stringify(noted), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  #helperOf(mount: ShareMount): Child | undefined {
    const { hotShares } = this.#plan;
    const name = hotShares && filled(hotShares.writable.name, mount);
    return this.#children.living.find((child) => child.role === "helper" && child.name === name);
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

/** A VM that is started anew has those of its plan. */
export function forgetShares(plan: KeeperPlan): void {
  rmSync(fileOf(plan), { force: true });
}

function fileOf({ folders }: KeeperPlan): string {
  return join(folders.runtime, "shares.json");
}

function readShares(file: string): readonly NotedShare[] | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as readonly NotedShare[];
  } catch {
    return undefined; // none came or went since the start
  }
}

/** A plan's part with the words for one share filled in, in every string in it. */
function filled<T extends string | CommandRecord | object>(part: T, { share, tag, slot = "" }: ShareMount): T {
  const words: Readonly<Record<string, string>> = { tag, slot, target: share.target, source: share.source, listedSource: share.source.replaceAll(/[\\,]/g, "\\$&") };
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]));
    return value;
  };
  return fill(part) as T;
}
