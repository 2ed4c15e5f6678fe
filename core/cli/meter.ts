import { formatSize } from "../units.ts";
import { roughly } from "./times.ts";

/** How far a copy is. */
export interface Reading {
  readonly done: number;
  readonly total?: number;
  /** Bytes a second over the last seconds; undefined until two readings are apart. */
  readonly rate?: number;
  /** Milliseconds left; undefined where the total or the rate is unknown. */
  readonly leftMs?: number;
}

/** The stretch that the rate is an average of. */
const windowMs = 5000;
/** Readings nearer than this are kept as one. */
const stepMs = 100;

/** Follows the bytes of one copy. */
export class Meter {
  #samples: { readonly at: number; readonly done: number }[] = [];
  #total: number | undefined;

  add(at: number, done: number, total: number | undefined): void {
    const last = this.#samples[this.#samples.length - 1];
    if (last && done < last.done) this.#samples = [];
    const before = this.#samples[this.#samples.length - 2];
    if (before && last && done >= last.done && at - before.at < stepMs) this.#samples.pop();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= windowMs) this.#samples.shift();
    this.#total = total;
  }

  /** Undefined before the first `add`. */
  read(): Reading | undefined {
    const first = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    if (!first || !last) return undefined;
    const span = last.at - first.at;
    const rate = span > 0 ? ((last.done - first.done) * 1000) / span : undefined;
    const left = rate !== undefined && rate > 0 && this.#total !== undefined ? ((this.#total - last.done) * 1000) / rate : undefined;
    return {
      done: last.done, ...(this.#total !== undefined && { total: this.#total }),
      ...(rate !== undefined && { rate }), ...(left !== undefined && { leftMs: Math.max(0, left) }),
    };
  }
}

/** "45%  198MiB of 440MiB  20.1MiB/s  12 s left" */
export function readingText(reading: Reading): string {
  const { done, total, rate, leftMs } = reading;
  return [
    ...(total !== undefined && total > 0 ? [`${percent(reading)}%`.padStart(4)] : []),
    total === undefined ? formatSize(done) : `${formatSize(done)} of ${formatSize(total)}`,
    ...(rate === undefined ? [] : [`${formatSize(Math.round(rate))}/s`]),
    ...(leftMs === undefined ? [] : [`${roughly(leftMs)} left`]),
  ].join("  ");
}

/** Whole percent done; 0 where the total is unknown. */
export function percent({ done, total }: Reading): number {
  return total === undefined || total <= 0 ? 0 : Math.min(100, Math.floor((done * 100) / total));
}

/** "━━━━━━╌╌╌╌" */
export function bar(reading: Reading, width: number): string {
  const full = Math.round((percent(reading) * width) / 100);
  return "━".repeat(full) + "╌".repeat(width - full);
}
