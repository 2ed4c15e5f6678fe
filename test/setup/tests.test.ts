import { expect, test } from "vitest";
import { countResults } from "../../setup/tests.mjs";

/** A report of vitest with one list of test statuses a file. */
const report = (...files: readonly (readonly [status: string, ...tests: readonly string[]])[]): string =>
  JSON.stringify({ testResults: files.map(([status, ...tests]) => ({ status, assertionResults: tests.map((one) => ({ status: one })) })) });

test.each<[string, string, number, boolean, { passed: number; failed: number }]>([
  ["tests that all pass", report(["passed", "passed", "passed"], ["passed", "passed"]), 0, true, { passed: 3, failed: 0 }],
  ["a failed test", report(["failed", "passed", "failed"]), 1, false, { passed: 1, failed: 1 }],
  ["a file that could not be loaded", report(["passed", "passed"], ["failed"]), 1, false, { passed: 1, failed: 1 }],
  ["an error outside of any test", report(["passed", "passed"]), 1, false, { passed: 1, failed: 1 }],
  ["a hook that failed after its tests passed", report(["failed", "passed"]), 1, false, { passed: 1, failed: 1 }],
  ["a skipped test at home", report(["passed", "passed", "skipped", "pending", "todo"]), 0, false, { passed: 1, failed: 0 }],
  ["a skipped test in CI", report(["passed", "passed", "skipped", "pending", "todo"]), 0, true, { passed: 1, failed: 3 }],
  ["no test at all", report(), 0, false, { passed: 0, failed: 1 }],
  ["no report", "", 0, false, { passed: 0, failed: 1 }],
  ["a report cut short by a crash", '{"testResults": [', 139, true, { passed: 0, failed: 1 }],
])("%s", (_, text, status, isCI, count) => {
  expect(countResults(text, status, isCI)).toEqual(count);
});
