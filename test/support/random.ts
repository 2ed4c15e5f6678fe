/** Numbers from 0 to 1 that come in the same order for the same seed: mulberry32, a 32-bit generator of Tommy Ettinger's, in the public domain. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The seed of a run: SEED of the environment, else the usual one, else another each time. To be printed, so that the run can be had again.
 * The short rounds have a usual one: what fails in them fails by the change, and the long ones look for what is new.
 */
export function seedOfRun(usual?: number): number {
  return Number(process.env["SEED"] ?? usual ?? Date.now() % 1_000_000);
}

/** So many of some things, in their order. */
export function sample<T>(items: readonly T[], count: number, random: () => number): readonly T[] {
  const left = new Set(items.keys());
  while (left.size > count) left.delete([...left][Math.floor(random() * left.size)] ?? 0);
  return [...left].flatMap((index) => items[index] ?? []);
}
