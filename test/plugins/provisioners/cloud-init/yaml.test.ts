import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { toYaml, type YamlMap } from "../../../../plugins/provisioners/cloud-init/yaml.ts";
import { readByPython } from "../../../support/cloud-init.ts";

/** What both versions of YAML read must be what was said. */
function expectSame(value: YamlMap): void {
  const text = toYaml(value);
  expect(parse(text, { version: "1.2" }), text).toEqual(value);
  expect(parse(text, { version: "1.1" }), text).toEqual(value);
  expect(readByPython(text), text).toEqual(value);
}

describe("YAML", () => {
  it("is written for people to read", () => {
    expect(toYaml({ name: "web", uid: 1000, on: true, list: ["a", { b: "c", d: [] }, {}, []], deep: { er: { text: "one\n  two\n" } }, mode: "0644", none: "" })).toBe(`name: web
uid: 1000
on: true
list:
  - a
  - b: c
    d: []
  - {}
  - []
deep:
  er:
    text: |
      one
        two
mode: "0644"
none: ""
`);
  });

  it.each([
    ["a line break at the end", "a\nb\n", "|"], ["none", "a\nb", "|-"], ["several", "a\nb\n\n\n", "|+"],
    ["a blank at the beginning", " a\nb\n", '" a'], ["an empty first line", "\na\n", '"\\na'], ["a carriage return", "a\r\nb\n", '"a\\r'],
  ])("keeps a text with %s", (_, text, begins) => {
    expect(toYaml({ text, next: "x" }).slice("text: ".length)).toMatch(new RegExp(`^${begins.replaceAll(/[|+\\]/g, "\\$&")}`));
    expectSame({ text, next: "x" });
  });

  it("tells words apart from what they look like", () => {
    const words = ["yes", "No", "on", "null", "~", "y", "1", "1.5", "0644", "1e3", "12:30:45", "2001-01-01", "0x10", ".inf", "=", "<<", "- a", "a: b", "a #b", "#a", "@a", "`", "a ", " a", "*a", "&a", "!a", "%a", "{", "[a]", "'", '"', "|", ">", "?", ":", "-", "---", "...", "\t", "a\tb", "\\", "é", "漢", "🐧", "/etc/x", "a,b"];
    expectSame({ words, ...Object.fromEntries(words.map((word, index) => [`k${index}`, word])) });
  });

  it("keeps every character, as a line and in a block", () => {
    const codes = [...Array.from({ length: 0x180 }, (_, code) => code), 0x2027, 0x2028, 0x2029, 0x202a, 0xd7ff, 0xe000, 0xfefe, 0xfeff, 0xff00, 0xfffd, 0xfffe, 0xffff, 0x1f427, 0x10ffff];
    const chars = codes.map((code) => String.fromCodePoint(code));
    expectSame({ chars, lines: chars.map((char) => `a${char}b\nc${char}\n${char}d\n`) });
  });

  it("keeps any text of lines, blanks and signs", () => {
    const texts = fc.array(fc.constantFrom("a", "b", " ", "  ", "\t", "\n", "\n\n", "#", ":", "-", "|", "'", '"', "é"), { maxLength: 12 }).map((parts) => parts.join(""));
    const values = fc.sample(texts, { numRuns: 3000, seed: 7 });
    expectSame({ values, again: Object.fromEntries(values.map((text, index) => [`k${index}`, { text, next: "x" }])) });
  });

  it("writes half a character as the bytes of a file would have it", () => {
    expect(parse(toYaml({ text: "a\ud83d\n" }))).toEqual({ text: "a\ufffd\n" });
  });
});
