import { run } from "../support/world.ts";

/** One figure beside that of its peer, taken in turns. */
export interface Measured {
  readonly what: string;
  readonly unit: "ms" | "MB" | "MB/s";
  /** How often both were taken. */
  readonly count: number;
  /** Median. */
  readonly ours: number;
  readonly peer: { readonly name: string; readonly median: number };
  /** Median of the ratios of neighbours, so that a busy moment counts on both sides. */
  readonly ratio: number;
  /** The most or the least that it may be; in the row's own unit, or as a ratio. */
  readonly aim?: { readonly of: "figure" | "ratio" } & ({ readonly most: number } | { readonly least: number });
}

export interface Subject {
  readonly name: string;
  /** Resolves to one figure. */
  take(): Promise<number>;
}

/** Takes both figures again and again, each time one after the other; a first pair, which warms up the file cache, does not count. */
export async function compare(what: string, ours: () => Promise<number>, peer: Subject, options: { readonly count: number } & Pick<Measured, "aim"> & Partial<Pick<Measured, "unit">>): Promise<Measured> {
  const pairs: (readonly [number, number])[] = [];
  for (let turn = 0; turn <= options.count; turn += 1) {
    const theirs = await peer.take();
    pairs.push([await ours(), theirs]);
  }
  return summary(what, pairs.slice(1), peer.name, options);
}

/** A row of figures that were taken together. */
export function summary(what: string, pairs: readonly (readonly [ours: number, peer: number])[], peer: string, { aim, unit = "ms" }: Pick<Measured, "aim"> & Partial<Pick<Measured, "unit">>): Measured {
  return {
    what, unit, count: pairs.length, ours: median(pairs.map(([ours]) => ours)), peer: { name: peer, median: median(pairs.map(([, theirs]) => theirs)) },
    ratio: median(pairs.map(([ours, theirs]) => ours / theirs)), ...(aim && { aim }),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return (low + high) / 2;
}

/** Milliseconds from the spawning of a program to its end with all its output. Throws when it ends badly. */
export async function timeOf(file: string, argv: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string }): Promise<number> {
  const begun = performance.now();
  const { code, stderr } = await run(file, argv, options);
  const took = performance.now() - begun;
  if (code !== 0) throw new Error(`\`${[file, ...argv].join(" ")}\` ended with ${code}: ${stderr}`);
  return took;
}
