import { readFileSync } from "node:fs";
import type { GuestShell } from "../model.ts";
import { connectGuest, run, type GuestConnection } from "../ssh.ts";
import type { KeeperPlan } from "./plan.ts";

/** One ssh connection a user: made when first asked for, and again after it broke. */
export class Connections {
  readonly #ssh: KeeperPlan["ssh"];
  readonly #stopping: AbortSignal;
  readonly #open = new Map<string, Promise<GuestConnection>>();
  #learned: string | undefined;

  constructor({ ssh }: KeeperPlan, stopping: AbortSignal) {
    this.#ssh = ssh;
    this.#stopping = stopping;
  }

  /** The guest's host key, where the plan has none: that of the first login, which is pinned from then on. */
  get learnedHostKey(): string | undefined {
    return this.#learned;
  }

  /** The key that was learned at an earlier login. */
  pin(hostKey: string): void {
    this.#learned = hostKey;
  }

  /** The connection of a user; without one of the machine's own. */
  as(user = this.#ssh.user): Promise<GuestConnection> {
    const there = this.#open.get(user);
    if (there) return there;
    const { host, port, keyFile, hostKey } = this.#ssh;
    const made = connectGuest({
      host, port, user, hostKey: this.#learned ?? hostKey, onHostKey: (key) => (this.#learned ??= key),
      privateKey: readFileSync(keyFile, "utf8"), signal: this.#stopping, timeoutMs: 20_000,
    });
    this.#open.set(user, made);
    const forget = (): void => {
      if (this.#open.get(user) === made) this.#open.delete(user);
    };
    made.then((connection) => connection.closed.then(forget, forget), forget);
    return made;
  }

  /** A way into the guest, for who needs no more than commands. */
  shell(): GuestShell {
    return { exec: async (command, { user, ...options } = {}) => run(await this.as(user), command, options) };
  }

  /** Says goodbye to all of them. */
  end(): void {
    for (const connection of this.#open.values()) void connection.then((one) => one.end(), () => {});
  }
}
