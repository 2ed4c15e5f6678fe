import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const text = (path: string): string => readFileSync(join(root, path), "utf8");
const claims = text("docs/security.md").split("\n").filter((line) => line.startsWith("- "));
/** What a claim ends with: the test's file and its title. */
const proof = / `(test\/[\w./-]+\.test\.ts)` "([^"]+)"$/;

/** Titles of tests, and names of rows that stand in the place of a title's %s. */
function titlesIn(path: string): ReadonlySet<string> {
  return new Set([...text(path).matchAll(/(?:^|[(,[{])\s*(["'`])((?:\\.|(?!\1).)*)\1\s*[,:]/gm)].map(([, , title = ""]) => title.replaceAll(/\\(["'`])/g, "$1")));
}

describe("what the document on security says", () => {
  test("is many things, each said once", () => {
    expect(claims.length).toBeGreaterThan(60);
    expect(claims.filter((claim, index) => claims.indexOf(claim) !== index)).toEqual([]);
  });

  test.each(claims)("is shown by a test that is there: %s", (claim) => {
    const [, path = "", title = ""] = proof.exec(claim) ?? [];
    expect(path, "the line ends with no `file` and \"title\"").not.toBe("");
    expect(existsSync(join(root, path)), `${path} is not there`).toBe(true);
    expect([...titlesIn(path)], path).toContain(title);
    expect(text(path), path).not.toMatch(/\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|todo)\b/);
  });

  test("is that 10,000 inputs are what each parser gets", () => {
    expect(text("docs/security.md")).toContain("10,000 inputs each");
    expect(text("test/support/fuzz.ts")).toContain('process.env["FUZZ_RUNS"] ?? 10_000');
  });
});
