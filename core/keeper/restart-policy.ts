import { BackOff } from "./back-off.ts";
import type { VmEnd } from "./ending.ts";
import type { KeeperPlan } from "./plan.ts";

/** Before each start of a row that comes to nothing: as many as there are. */
const pausesMs = [1000, 2000, 4000, 8000, 16_000];
/** A machine that has been up for so long is not in a row of failures. */
const calmMs = 600_000;

/** What comes after a VM's end that nobody asked for. */
export type AfterEnd = { readonly kind: "start"; readonly pauseMs: number } | { readonly kind: "end"; readonly end: VmEnd };

/** Whether a machine is started again when its VM ends by itself. A machine that ends again and again is left alone after a while. */
export class RestartPolicy {
  readonly #wanted: KeeperPlan["restart"];
  readonly #pausesMs: readonly number[];
  readonly #backOff: BackOff;

  constructor(wanted: KeeperPlan["restart"], pauses: readonly number[] = pausesMs) {
    this.#wanted = wanted;
    this.#pausesMs = pauses;
    this.#backOff = new BackOff(pauses, calmMs);
  }

  /** `now` in milliseconds of a clock that only goes forward. */
  after(end: VmEnd, now = performance.now()): AfterEnd {
    if (this.#wanted === "never" || (this.#wanted === "on-failure" && !end.failed)) return { kind: "end", end };
    const { count, pauseMs } = this.#backOff.next(now);
    if (count <= this.#pausesMs.length) return { kind: "start", pauseMs };
    return { kind: "end", end: { failed: true, reason: `${end.reason}; it was started again ${count - 1} times in a row, and that is enough` } };
  }
}
