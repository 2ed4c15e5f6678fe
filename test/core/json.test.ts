import { expect, test } from "vitest";
import { excerpt, isObject, kindOf, readObject } from "../../core/json.ts";

test.each<[unknown, boolean, string]>([
  [{}, true, "a object"], [[], false, "a list"], [null, false, "null"], [undefined, false, "none"], [7, false, "a number"], ["", false, "a string"],
])("%j is an object: %s, and called %s", (value, object, kind) => {
  expect([isObject(value), kindOf(value)]).toEqual([object, kind]);
});

test.each<[string, object]>([
  ['{"a":1}', { object: { a: 1 } }],
  ["[1]", { found: "a list" }],
  ["null", { found: "null" }],
  ["<html>\n<body>", { found: 'text that begins with "<html>"' }],
  ["  \n", { found: "nothing" }],
])("%j is read as %j", (text, read) => {
  expect(readObject(text)).toEqual(read);
});

test("an excerpt is short", () => {
  expect(excerpt("x".repeat(500))).toBe(`text that begins with "${"x".repeat(60)}"`);
});
