import { expect, it } from "vitest";
import { statementsOf } from "../../../core/toml/statements.ts";

const text = `# a comment = 1
top = true

[engine] # [not.this]
  helper_binaries_dir = [ # one a line
    "/a]b",
    '/c#d',
  ]
words = """
[machine]
x = 1
"""
a.b = { c = "}" } # behind
[[ other . "quoted.key" ]]
raw = '''
"""'''
[last]
n = 1`;

it("finds every statement with its path, line and value, whatever strings, lists and comments hold", () => {
  expect(statementsOf(text).map(({ kind, path, line, value }) => [kind, path.join("|"), line, value && text.slice(value.start, value.end)])).toEqual([
    ["pair", "top", 2, "true"],
    ["table", "engine", 4, undefined],
    ["pair", "engine|helper_binaries_dir", 5, '[ # one a line\n    "/a]b",\n    \'/c#d\',\n  ]'],
    ["pair", "engine|words", 9, '"""\n[machine]\nx = 1\n"""'],
    ["pair", "engine|a|b", 13, '{ c = "}" }'],
    ["tables", "other|quoted.key", 14, undefined],
    ["pair", "other|quoted.key|raw", 15, "'''\n\"\"\"'''"],
    ["table", "last", 17, undefined],
    ["pair", "last|n", 18, "1"],
  ]);
});

it("covers whole lines, without what stands before a statement", () => {
  const [first, second] = statementsOf("  a = 1 # one\n\n b = 2");
  expect([first, second].map((one) => one && [one.start, one.end])).toEqual([[2, 14], [16, 21]]);
});

it.each(["", "# nothing\n\n", "no pair", "[open", "= 1", "\"open = 1"])("finds nothing in %j", (nothing) => {
  expect(statementsOf(nothing)).toEqual([]);
});
