import { BoundedLog } from "./bounded-log.ts";
import type { MachineEvent } from "./protocol.ts";

/** Keeps what happens as one JSON object a line, and hands it to whoever listens. */
export class Journal {
  readonly #machine: string;
  readonly #log: BoundedLog;
  readonly #listeners = new Set<(event: MachineEvent) => void>();

  constructor(machine: string, path: string) {
    this.#machine = machine;
    this.#log = new BoundedLog(path, 2 ** 20);
  }

  say(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const event: MachineEvent = { time: new Date().toISOString(), machine: this.#machine, type, ...fields };
    this.#log.write(`${JSON.stringify(event)}\n`);
    for (const listener of this.#listeners) listener(event);
  }

  /** Calls back for every event until the returned function is called. */
  follow(listener: (event: MachineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
