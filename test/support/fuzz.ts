import fc from "fast-check";
import { expect } from "vitest";
import { isMachineError } from "../../core/errors.ts";

/** Inputs a parser gets. More of them, and others, for a search: FUZZ_RUNS=100000 FUZZ_SEED=7. */
const runs = Number(process.env["FUZZ_RUNS"] ?? 10_000);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

/** How long a test of inputs may take before it counts as one that hangs. */
export const patienceMs = 300_000;

/**
 * Feeds a parser: it may take an input, or refuse it by a MachineError whose words are clear. Anything else fails the test, with the smallest
 * input that does it. Some inputs must be taken and some refused, or the inputs are no good; a parser that takes or refuses all says so.
 */
export async function fuzz<T>(inputs: fc.Arbitrary<T>, parse: (input: T) => unknown, { always }: { readonly always?: "taken" | "refused" } = {}): Promise<void> {
  const count = { taken: 0, refused: 0 };
  await fc.assert(fc.asyncProperty(inputs, async (input) => {
    try {
      await parse(input);
      count.taken += 1;
    } catch (error) {
      count.refused += 1;
      const problem = problemOf(error, input);
      if (problem !== undefined) throw new Error(problem, { cause: error });
    }
  }), { numRuns: runs, seed });
  expect(count.taken + count.refused).toBeGreaterThanOrEqual(runs);
  expect({ taken: count.taken > 0, refused: count.refused > 0 }).toEqual({ taken: always !== "refused", refused: always !== "taken" });
}

/** What is wrong with a refusal. Words that stand in the input may stand in it. */
function problemOf(error: unknown, input: unknown): string | undefined {
  if (!isMachineError(error)) return `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  const said = [error.message, error.hint ?? "", ...(error.details ?? [])].join("\n");
  if (error.message.trim() === "") return "the message is empty";
  const given = typeof input === "string" ? input : Buffer.isBuffer(input) ? input.toString("latin1") : JSON.stringify(input);
  const unclear = ["undefined", "[object Object]", "[object Promise]", "NaN", "\n    at "].find((word) => said.includes(word) && !given.includes(word));
  return unclear === undefined ? undefined : `the message has ${JSON.stringify(unclear)} in it: ${said}`;
}

/** Texts that have broken parsers before. */
const nasty = [
  "", " ", "\0", "\n", "\r\n", "\t", "\\", '"', "'", "`", "%", "%00", "%ff", "{", "}", "[", "]", "(", ")", "<", ">", "/", "//", "../", "/../../etc/passwd", ":", "::", ";", ",", ".", "..", "-", "--", "=", "@", "#", "$", "${x}", "*", "+", "?", "|", "&", "!", "~",
  "0", "-1", "00", "1e309", "0x10", "9007199254740993", "4294967296", "65536", "99999999999999999999", "1.5", "null", "true", "[]", "{}", "__proto__", "constructor", "toString", "hasOwnProperty", "\u{1f600}", "\ud800", "\u202e", "\u001b[31m", "é", "ı", "\ufeff",
  "a".repeat(300), "1".repeat(400), " ".repeat(300), "(".repeat(200), "[".repeat(300), "{\"a\":".repeat(200), "\\".repeat(101), "=".repeat(200), "-".repeat(200),
];

interface Edit {
  readonly at: number;
  readonly length: number;
  readonly how: "cut" | "insert" | "double" | "end" | "swap";
  readonly word: string;
}
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(12), how: fc.constantFrom("cut", "insert", "insert", "double", "end", "swap" as const),
  word: fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 6 })),
});

/** Texts of no sense. fast-check's own take seconds to set up. */
const noise = fc.array(fc.oneof(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 0xffff })), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes));

/** Valid texts with up to four things done to them; now and then one of no sense at all. `words` are inserted as well. */
export function mutatedText(samples: readonly string[], words: readonly string[] = []): fc.Arbitrary<string> {
  const own = words.length === 0 ? edit : fc.tuple(edit, fc.boolean(), fc.constantFrom(...words)).map(([one, isOwn, word]) => (isOwn ? { ...one, word } : one));
  const mutated = fc.tuple(fc.constantFrom(...samples), fc.constantFrom(...samples), fc.array(own, { maxLength: 4 })).map(([text, other, edits]) => edits.reduce((now, one) => changed(now, one, other), text));
  return fc.oneof({ weight: 20, arbitrary: mutated }, { weight: 1, arbitrary: noise });
}

function changed(text: string, { at, length, how, word }: Edit, other: string): string {
  const place = Math.floor(at * text.length);
  const [before, middle, after] = [text.slice(0, place), text.slice(place, place + length), text.slice(place + length)];
  switch (how) {
    case "cut": return before + after;
    case "double": return before + middle + middle + after;
    case "end": return before;
    case "swap": return before + other.slice(Math.floor(at * other.length));
    default: return before + word + middle + after;
  }
}

/** The same for bytes. */
export function mutatedBytes(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const mutated = fc.tuple(fc.nat(samples.length - 1), fc.nat(samples.length - 1), fc.array(fc.tuple(edit, fc.uint8Array({ maxLength: 8 })), { maxLength: 5 }))
    .map(([one, two, edits]) => edits.reduce((now, [its, bytes]) => changedBytes(now, its, Buffer.from(bytes), samples[two] ?? now), samples[one] ?? Buffer.alloc(0)));
  return fc.oneof({ weight: 20, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) });
}

function changedBytes(bytes: Buffer, { at, length, how }: Edit, fresh: Buffer, other: Buffer): Buffer {
  // Headers are at the beginning, where most of the changes should be.
  const place = Math.floor(at ** 3 * bytes.length);
  switch (how) {
    case "cut": return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + length)]);
    case "double": return Buffer.concat([bytes.subarray(0, place + length), bytes.subarray(place)]);
    case "end": return bytes.subarray(0, place);
    case "swap": return Buffer.concat([bytes.subarray(0, place), other.subarray(place)]);
    default: {
      const copy = Buffer.from(bytes);
      fresh.copy(copy, place);
      return copy;
    }
  }
}

const values: readonly unknown[] = [
  null, true, false, 0, -1, 1.5, 1e300, 9007199254740993, 65536, "", "x", "0", "../x", "\0", "a".repeat(300), [], {}, [null], [[]], [{}], { a: 1 }, { length: 3 }, JSON.parse('{"__proto__":{"a":1}}'), { toString: 1 }, [1, 2, 3], { then: "x" },
];

/** Values as JSON has them: some nodes are replaced by others, taken out, doubled, or given under other names. */
export function mutatedValue(samples: readonly unknown[]): fc.Arbitrary<unknown> {
  const change = fc.record({ at: fc.nat(100_000), how: fc.constantFrom("replace", "replace", "drop", "rename", "double" as const), value: fc.oneof(fc.constantFrom(...values), fc.jsonValue({ maxDepth: 1 })) });
  const mutated = fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 })).map(([sample, changes]) => changes.reduce<unknown>((now, one) => changedValue(now, one), structuredClone(sample)));
  return fc.oneof({ weight: 20, arbitrary: mutated }, { weight: 1, arbitrary: fc.jsonValue() });
}

/** The same as texts, some of them broken on the way. */
export function mutatedJson(samples: readonly unknown[]): fc.Arbitrary<string> {
  const texts = mutatedValue(samples).map((value) => JSON.stringify(value));
  return fc.oneof({ weight: 4, arbitrary: texts }, { weight: 1, arbitrary: mutatedText(samples.map((sample) => JSON.stringify(sample))) });
}

type Holder = Record<string, unknown>;
interface Place {
  readonly holder: Holder;
  readonly key: string;
}

function changedValue(root: unknown, { at, how, value }: { readonly at: number; readonly how: "replace" | "drop" | "rename" | "double"; readonly value: unknown }): unknown {
  const top = { root };
  const places = placesIn(top, "root");
  const { holder, key } = places[at % places.length] as Place;
  // A piece of its own for each place: one that held itself would have no end.
  const fresh = structuredClone(value);
  if (how === "replace") put(holder, key, fresh);
  else if (how === "drop") delete holder[key];
  else if (how === "double" && Array.isArray(holder)) (holder as unknown[]).push(structuredClone(holder[key]));
  else {
    const moved = holder[key];
    delete holder[key];
    put(holder, typeof value === "string" ? value : `${key}x`, moved);
  }
  return top.root === undefined ? null : top.root;
}

/** Also under the name "__proto__", as JSON.parse does. */
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function placesIn(holder: Holder, key: string): Place[] {
  const value = holder[key];
  const inner = typeof value === "object" && value !== null ? Object.keys(value).flatMap((name) => placesIn(value as Holder, name)) : [];
  return [{ holder, key }, ...inner];
}
