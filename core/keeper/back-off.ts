/** How long to wait before something that ends again and again is begun anew, and how often it has. */
export class BackOff {
  readonly #pausesMs: readonly number[];
  readonly #calmMs: number;
  #count = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** Pauses after the first end, the second, ...; the last one from then on. What has run for `calmMs` begins at the first again. */
  constructor(pausesMs: readonly number[], calmMs: number) {
    this.#pausesMs = pausesMs;
    this.#calmMs = calmMs;
  }

  /** It has ended, at that many milliseconds of a clock that only goes forward. */
  next(now = performance.now()): { readonly count: number; readonly pauseMs: number } {
    this.#count = now - this.#last >= this.#calmMs ? 1 : this.#count + 1;
    const pauseMs = this.#pausesMs[Math.min(this.#count, this.#pausesMs.length) - 1] ?? 0;
    this.#last = now + pauseMs;
    return { count: this.#count, pauseMs };
  }
}
