import { isMachineError, messageOf } from "../errors.ts";
import { forgetScript, nobodyWaits } from "../guest-lost.ts";
import { execAsRoot } from "../guest-root.ts";
import { settleGuest } from "../lifecycle/settle.ts";
import { within } from "../limit.ts";
import type { GuestShell } from "../model.ts";
import { again, pause } from "./again.ts";
import { BackOff } from "./back-off.ts";
import { describeExit, type ChildExit } from "./child.ts";
import type { Parts } from "./parts.ts";

/** The first one is back at once. */
const pausesMs = [0, 250, 1000, 5000, 10_000, 30_000];
/** What has run so long is well. */
const calmMs = 60_000;
/** A VM that ends takes its helpers with it, which have done their work, and they may be noticed first. How one ended that was taken over is not known. */
const vmMs = 1000;
/** A guest in which a look takes longer has other troubles. */
const lookMs = 30_000;

/**
 * One folder of the host whose helper is brought back. Linux's virtiofs cannot be joined with another helper: the VM is given a new device,
 * and the guest mounts the folder from there. What waited in the guest for the old one waits until the guest boots anew; where nothing
 * did, the old device goes.
 */
export class ShareWard {
  readonly #target: string;
  readonly #helper: string;
  readonly #parts: Parts;
  readonly #signal: AbortSignal;
  readonly #backOff = new BackOff(pausesMs, calmMs);
  #isBusy = false;

  constructor(target: string, helper: string, parts: Parts, signal: AbortSignal) {
    this.#target = target;
    this.#helper = helper;
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Returns when the folder is there again, cannot come back, or is nobody's any more. One call at a time does it all. */
  async bringBack(exit: ChildExit | undefined): Promise<void> {
    const { vm } = this.#parts.children;
    if (this.#isBusy) return;
    this.#isBusy = true;
    if (exit && !exit.code && !exit.signal) await Promise.race([vm?.exited, pause(vmMs, this.#signal)]);
    if (vm && !vm.hasExited()) await this.#try(exit ? describeExit(exit) : "is not there");
    this.#isBusy = false;
  }

  async #try(how: string): Promise<void> {
    const { problems, shares, plan: { name } } = this.#parts;
    for (let reason = `${this.#helper} ${how}`; this.#isLost(); ) {
      const { count, pauseMs } = this.#backOff.next();
      problems.set(this.#helper, count === 1 ? `${reason}, and is brought back` : `${this.#helper} has ended ${count} times in a row; last: ${reason}`);
      await pause(pauseMs, this.#signal);
      if (this.#signal.aborted) return;
      try {
        await shares.revive(this.#target, this.#signal);
        if (await this.#remount()) await this.#clearAway();
        reason = `${this.#helper} ended again`;
      } catch (error) {
        reason = messageOf(error);
        if (!isMachineError(error) || error.code !== "unsupported-host") continue;
        problems.set(this.#helper, `${this.#helper} ${how}, and ${reason}; \`glowplug restart ${name}\` mends that`);
        return;
      }
    }
    problems.clear(this.#helper);
  }

  /** Has the guest mount what it has been given anew. False, and a problem of its own, where it does not. */
  async #remount(): Promise<boolean> {
    const { connections, plan: { deadlines, name, ssh }, problems, shares } = this.#parts;
    const about = `${this.#helper} mounted`;
    const shell = connections.shell();
    const limit = within(deadlines.readyMs + deadlines.sshMs, this.#signal);
    const guest: GuestShell = { exec: (command, options) => shell.exec(command, { ...options, signal: limit }) };
    try {
      await again(() => settleGuest({ mounts: shares.list, lost: shares.lost }, guest, ssh.user), limit, () => this.#isLost());
      problems.clear(about);
      return true;
    } catch (error) {
      const why = limit.aborted && isMachineError(error) && error.code === "interrupted" ? "it takes too long" : messageOf(error);
      if (!this.#isLost() && !this.#signal.aborted) problems.set(about, `${this.#helper} was brought back, but the guest has not mounted it: ${why}; \`glowplug restart ${name}\` mends that`);
      return false;
    }
  }

  /** Takes the old device away where nobody waits for it. */
  async #clearAway(): Promise<void> {
    const { plan: { name }, problems, shares } = this.#parts;
    const lost = shares.lost.filter(({ share }) => share.target === this.#target);
    try {
      const isFree = await this.#asRoot(nobodyWaits);
      for (const mount of isFree ? lost : []) {
        await shares.drop(mount);
        await this.#asRoot(forgetScript(mount.tag));
      }
      if (isFree) return;
    } catch {
      // It is there still, as if somebody waited.
    }
    if (!this.#signal.aborted) problems.set(waitingFor(this.#target), `programs in the guest wait for ${this.#target} as it was before ${this.#helper} ended; \`glowplug restart ${name}\` ends that`);
  }

  async #asRoot(script: string): Promise<boolean> {
    const { connections, plan: { ssh } } = this.#parts;
    const { exitCode } = await execAsRoot(connections.shell(), ssh.user, ["/bin/sh", "-c", script], { signal: this.#signal, timeoutMs: lookMs });
    return exitCode === 0;
  }

  /** Whether the machine has the folder, and nothing behind it. */
  #isLost(): boolean {
    return this.#parts.shares.list.some(({ share, dead }) => dead === true && share.target === this.#target);
  }
}

/** What the problem is about that the guest waits for a volume that was lost. */
export function waitingFor(target: string): string {
  return `waiting for ${target}`;
}
