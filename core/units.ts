import { MachineError } from "./errors.ts";

const factors = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Bytes of a size such as "4GiB". Throws MachineError "bad-size" for anything else, a bare number included. */
export function parseSize(text: string): number {
  const bytes = bytesOf(text);
  if (bytes === undefined) throw new MachineError("bad-size", `${JSON.stringify(text)} is no size`, { hint: 'Write a number and its unit: "512MiB", "4GiB".' });
  return bytes;
}

/** Whether a text is a size. */
export function isSize(text: string): boolean {
  return bytesOf(text) !== undefined;
}

/** Undefined as well for more than can be counted to a byte. */
function bytesOf(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)$/.exec(text.trim()) ?? [];
  const bytes = number === undefined ? Number.NaN : Math.round(Number(number) * factors[unit as keyof typeof factors]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes in the largest unit that leaves a short number: "2GiB", "1.5GiB", as docker's units print binary sizes. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${Number(value.toPrecision(4))}${units[index]}`;
}

/** A thousand years: what is longer is a mistake, and no date. */
const longestDuration = 1000 * 365 * 86_400_000;

/** Milliseconds of "90s", "1h30m", "250ms". Throws MachineError "usage" otherwise. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
  const sum = parts.reduce((so, part) => so + Number(part[1]) * unit[part[2] as keyof typeof unit], 0);
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text || sum > longestDuration) {
    throw new MachineError("usage", `${JSON.stringify(text)} is no duration`, { hint: 'Write numbers with units: "90s", "1h30m".' });
  }
  return sum;
}
