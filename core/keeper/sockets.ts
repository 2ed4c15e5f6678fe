import { forwardSocket, type Forward } from "../ssh.ts";
import type { Connections } from "./connections.ts";
import type { KeeperPlan } from "./plan.ts";

/** The sockets of the host that lead to sockets of the guest, each carried over ssh. */
export class Sockets {
  readonly #plan: KeeperPlan;
  readonly #connections: Connections;
  readonly #onError: (socket: string, error: unknown) => void;
  readonly #carried: Forward[] = [];

  constructor(plan: KeeperPlan, connections: Connections, onError: (socket: string, error: unknown) => void) {
    this.#plan = plan;
    this.#connections = connections;
    this.#onError = onError;
  }

  async open(): Promise<void> {
    for (const { host, guest, user } of this.#plan.sockets) {
      this.#carried.push(await forwardSocket({ listen: host, guest, connection: () => this.#connections.as(user), onError: (error) => this.#onError(host, error) }));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#carried.splice(0).map((carried) => carried.close()));
  }
}
