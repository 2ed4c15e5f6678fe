// @ts-check
/** Runs the programs of set-up and says in a line each how long they took. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} line */
export function say(line) {
  console.error(`setup: ${line}`);
}

/**
 * Does a step and says how long it took.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work its result, where it is a text, is shown instead of the title
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const begin = performance.now();
  say(`${title} ...`);
  const result = await work();
  say(`${typeof result === "string" ? result : title}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Runs a program to its end with our terminal, so that Ctrl-C reaches it, and waits for what it does then.
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit status; 128 and the signal's number where one ended it
 */
export function runHere(program, argv, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: root, env, stdio: "inherit" });
    const wait = () => {}; // the terminal sends it to both
    const pass = () => void child.kill("SIGTERM");
    process.on("SIGINT", wait).on("SIGTERM", pass);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGINT", wait).off("SIGTERM", pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

/**
 * Runs a program quietly; what it printed is shown when it fails.
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<void>}
 */
export function runQuietly(program, argv, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output = (output + text).slice(-20_000)));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      process.stderr.write(output);
      reject(new Error(`\`${[program, ...argv].join(" ")}\` ended with ${code ?? signal}`));
    });
  });
}
