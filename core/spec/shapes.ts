import { describe } from "../describe.ts";
import { isObject } from "../json.ts";
import { didYouMean } from "../suggest.ts";

/** Takes a mistake: the path of the field within the spec, and "expected X, found Y". */
export type Report = (path: string, message: string) => void;
/** Checks one value and reports every mistake in it. */
export type Shape = (value: unknown, path: string, report: Report) => void;

/** A value that passes a test. */
export function that(expected: string, test: (value: unknown) => boolean): Shape {
  return (value, path, report) => {
    if (!test(value)) report(path, `expected ${expected}, found ${describe(value)}`);
  };
}

/** A text, of a certain form if one is given. */
export function text(expected = "a text", form: RegExp = /^/): Shape {
  return that(expected, (value) => typeof value === "string" && form.test(value));
}

export const flag: Shape = that("true or false", (value) => typeof value === "boolean");

export function whole(expected: string, least: number, most: number = Number.MAX_SAFE_INTEGER): Shape {
  return that(expected, (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most);
}

export function oneOf(...words: readonly string[]): Shape {
  return (value, path, report) => {
    if (typeof value === "string" && words.includes(value)) return;
    const hint = typeof value === "string" ? didYouMean(value, words) : "";
    report(path, `expected ${words.map((word) => JSON.stringify(word)).join(" or ")}, found ${describe(value)}${hint}`);
  };
}

/** A text whose own reader says what is wrong with it. */
export function readable(expected: string, problemOf: (value: string) => string | undefined): Shape {
  return (value, path, report) => {
    if (typeof value !== "string") return report(path, `expected ${expected}, found ${describe(value)}`);
    const problem = problemOf(value);
    if (problem !== undefined) report(path, problem);
  };
}

export function listOf(item: Shape): Shape {
  return (value, path, report) => {
    if (!Array.isArray(value)) return report(path, `expected a list, found ${describe(value)}`);
    value.forEach((entry: unknown, index) => item(entry, `${path}[${index}]`, report));
  };
}

/** An object of known fields. `required` must be there; undefined counts as absent. */
export function fieldsOf(expected: string, fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  const known = Object.keys(fields);
  return (value, path, report) => {
    if (!isObject(value)) return report(path, `expected ${expected}, found ${describe(value)}`);
    const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
    for (const [field, entry] of Object.entries(value)) {
      const shape = Object.hasOwn(fields, field) ? fields[field] : undefined;
      if (!shape) report(at(field), `unknown field${didYouMean(field, known)}`);
      else if (entry !== undefined) shape(entry, at(field), report);
    }
    for (const field of required) if (value[field] === undefined) report(at(field), "expected a value, found nothing");
  };
}

/** One shape for texts, another for all else. */
export function textOr(forText: Shape, otherwise: Shape): Shape {
  return (value, path, report) => (typeof value === "string" ? forText : otherwise)(value, path, report);
}

/** All of them. */
export function both(...shapes: readonly Shape[]): Shape {
  return (value, path, report) => shapes.forEach((shape) => shape(value, path, report));
}
