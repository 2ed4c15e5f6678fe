// @ts-check
/** Runs the parts of the test suite and counts. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, runHere, say } from "./run.mjs";

/** The parts, in order; `types` is the compiler, the others are projects of vitest.config.ts. */
export const parts = ["types", "unit", "fake", "boot"];
/** Parts that are run only when they are named: they take longer. */
const laterParts = ["crash"];

/** @typedef {{ passed: number, failed: number }} Count */

/**
 * Runs some parts and prints the sum as the last line: "12 passed, 0 failed".
 * @param {readonly string[]} words names of parts, and words that vitest picks test files by; without a part all are run
 * @returns {Promise<number>} exit status
 */
export async function runTests(words) {
  const known = [...parts, ...laterParts];
  const chosen = known.filter((part) => words.includes(part));
  const filters = words.filter((word) => !known.includes(word));
  const sum = { passed: 0, failed: 0 };
  for (const part of chosen.length > 0 ? chosen : parts) {
    const { passed, failed } = part === "types" ? await runTypes() : await runProject(part, filters);
    say(`${part}: ${passed} passed, ${failed} failed`);
    sum.passed += passed;
    sum.failed += failed;
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  return sum.failed === 0 ? 0 : 1;
}

/** @returns {Promise<Count>} */
async function runTypes() {
  const status = await runHere(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--noEmit"]);
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @param {string} project @param {readonly string[]} filters @returns {Promise<Count>} */
async function runProject(project, filters) {
  const folder = mkdtempSync(join(tmpdir(), "glowplug-tests-"));
  const file = join(folder, "results.json");
  try {
    const status = await runHere(process.execPath, [
      join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...filters,
    ]);
    return countResults(readText(file), status, process.env["CI"] === "true");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Counts vitest's JSON report. Whatever went wrong counts: a file that could not be loaded, a run that crashed or ran nothing,
 * an error outside of any test, and in CI a test that was skipped.
 * @param {string} text
 * @param {number} status vitest's exit status
 * @param {boolean} isCI
 * @returns {Count}
 */
export function countResults(text, status, isCI) {
  const count = { passed: 0, failed: 0 };
  for (const { status: fileStatus, assertionResults } of readFiles(text)) {
    const statuses = assertionResults.map((result) => result.status);
    count.passed += statuses.filter((one) => one === "passed").length;
    const failed = statuses.filter((one) => one === "failed" || (isCI && one !== "passed")).length;
    count.failed += failed === 0 && fileStatus === "failed" ? 1 : failed;
  }
  const ranNothing = count.passed === 0;
  if (count.failed === 0 && (status !== 0 || ranNothing)) count.failed = 1;
  return count;
}

/** @param {string} text @returns {{ status: string, assertionResults: { status: string }[] }[]} */
function readFiles(text) {
  try {
    const { testResults } = JSON.parse(text);
    return Array.isArray(testResults) ? testResults : [];
  } catch {
    return [];
  }
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
