// @ts-check
/** Makes node_modules and dist what package-lock.json and the sources say. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root, runQuietly, step } from "./run.mjs";

/** Installs the npm packages when they are missing or older than the lock file. */
export async function ensureModules() {
  const installed = timeOf(join(root, "node_modules/.package-lock.json"));
  if (installed !== undefined && installed >= (timeOf(join(root, "package-lock.json")) ?? 0)) return;
  const cli = process.env["npm_execpath"];
  // Only npm reads package-lock.json; under another package manager its own program stands there.
  const [program, ...before] = cli?.endsWith("npm-cli.js") ? [process.execPath, cli] : ["npm"];
  await step(`npm ci (node_modules is ${installed === undefined ? "missing" : "older than package-lock.json"})`, () =>
    runQuietly(program ?? "npm", [...before, "ci", "--include=dev", "--no-audit", "--no-fund"]),
  );
}

/** Builds dist when a source is newer. */
export async function ensureBuilt() {
  const sources = ["core", "hooks", "plugins", "test/contracts", "test/fixtures", "package.json", "tsconfig.json"].map((name) => newestBelow(join(root, name)));
  const built = timeOf(join(root, "dist/glowplug.js"));
  if (built !== undefined && built >= Math.max(...sources)) return;
  await step("building dist", () => runQuietly(process.execPath, ["--import", "tsx", "core/bundle.ts"]));
}

/** @param {string} path */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** A folder's own time tells of files that were removed. @param {string} path @returns {number} */
function newestBelow(path) {
  if (!existsSync(path)) return 0;
  const own = statSync(path);
  return own.isDirectory() ? Math.max(own.mtimeMs, ...readdirSync(path).map((name) => newestBelow(join(path, name)))) : own.mtimeMs;
}
