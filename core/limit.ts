export interface Limits {
  /** In milliseconds. Default: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Why a wait ended early: its time was up, or its signal aborted. */
export type LimitReason = "deadline" | "interrupted";

/** Calls `give` once, when the time is up or the signal aborts; at once if it has already. Returns what calls that off. */
export function limitWait({ timeoutMs, signal }: Limits, give: (reason: LimitReason) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const aborted = (): void => finish("interrupted");
  const off = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  };
  const finish = (reason: LimitReason): void => {
    off();
    give(reason);
  };
  if (signal?.aborted) {
    give("interrupted");
    return off;
  }
  signal?.addEventListener("abort", aborted, { once: true });
  if (timeoutMs !== undefined) timer = setTimeout(finish, timeoutMs, "deadline");
  return off;
}

/**
 * Aborts with a signal, and when the time is up. Node 20 forgets an `AbortSignal.timeout` that nobody but `AbortSignal.any` knows: once its memory is
 * collected, it never aborts.
 */
export function within(timeoutMs: number, signal: AbortSignal): AbortSignal {
  const over = new AbortController();
  const end = (reason: unknown): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    over.abort(reason);
  };
  const aborted = (): void => end(signal.reason);
  const timer = setTimeout(() => end(new DOMException("the time is up", "TimeoutError")), timeoutMs).unref();
  signal.addEventListener("abort", aborted, { once: true });
  if (signal.aborted) aborted();
  return over.signal;
}
