/** Time, so that what is printed every so often can be tested. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls again and again without keeping the process alive; the function returned ends it. */
  every(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  every: (ms, call) => {
    const timer = setInterval(call, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
