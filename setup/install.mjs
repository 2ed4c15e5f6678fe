// @ts-check
/** Makes sure that the host's programs are there: by the package manager where we may use it, by unpacking them where that needs no root. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { promisify } from "node:util";
import { isDebianLike, isThere, readOsRelease, suiteFor, toolsFolder } from "./host.mjs";
import { fetchPackage } from "./private-apt.mjs";
import { runQuietly, say, step } from "./run.mjs";

const run = promisify(execFile);

/** @typedef {import("./packages.mjs").Need} Need */
/** @typedef {import("./packages.mjs").Tool} Tool */

/**
 * What to do about missing packages. The system's package manager is used only as root, and only where nobody can be asked
 * or after a yes.
 * @param {{ isDebian: boolean, isRoot: boolean, isTerminal: boolean, isCI: boolean }} host
 * @returns {"install" | "ask" | "tell"}
 */
export function policyFor({ isDebian, isRoot, isTerminal, isCI }) {
  if (!isDebian || !isRoot) return "tell";
  return isCI || !isTerminal ? "install" : "ask";
}

/**
 * The line that a user types to get missing programs.
 * @param {readonly Need[]} missing
 * @param {{ isDebian: boolean, isMac: boolean, isRoot: boolean }} host
 * @returns {string}
 */
export function installLine(missing, { isDebian, isMac, isRoot }) {
  if (isDebian) return `${isRoot ? "" : "sudo "}apt-get install --no-install-recommends ${debianPackages(missing).join(" ")}`;
  if (isMac) return `brew install ${[...new Set(missing.flatMap(({ brew }) => brew ?? []))].sort().join(" ")}`;
  return `install with this system's package manager what brings: ${missing.map(({ program }) => program).join(", ")}`;
}

/** @param {readonly Need[]} needs @returns {string[]} */
function debianPackages(needs) {
  return [...new Set(needs.map(({ debian }) => debian))].sort();
}

/**
 * @param {readonly Need[]} needs
 * @returns {Promise<void>} throws when something is missing and must be installed by hand
 */
export async function ensurePrograms(needs) {
  const host = {
    isDebian: isDebianLike(readOsRelease()), isMac: process.platform === "darwin", isRoot: process.getuid?.() === 0,
    isTerminal: Boolean(process.stdin.isTTY && process.stderr.isTTY), isCI: process.env["CI"] === "true",
  };
  const missing = needs.filter(({ program, brew }) => (!host.isMac || brew !== undefined) && !isThere(program));
  if (missing.length === 0) return;
  const line = installLine(missing, host);
  const policy = policyFor(host);
  say(`missing: ${[...new Set(missing.map(({ program }) => program))].join(", ")}`);
  if (policy === "tell" || (policy === "ask" && !(await agreed(`${line}\nsetup: do that now? [y/N] `)))) {
    throw new Error(`these programs are needed; get them with\n  ${line}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  const packages = debianPackages(missing);
  await step(`apt-get install ${packages.join(" ")}`, async () => {
    await runQuietly("apt-get", [...wait, "-qq", "update"], env);
    await runQuietly("apt-get", [...wait, "-qq", "-y", "--no-install-recommends", "install", ...packages], env);
  });
  const still = missing.filter(({ program }) => !isThere(program));
  if (still.length > 0) throw new Error(`installed, but still not found: ${still.map(({ program }) => program).join(", ")}`);
}

/**
 * Unpacks a tool into a folder of ours unless it is there.
 * @param {Tool} tool
 * @param {{ orElsewhere: boolean }} options whether a program of the same name anywhere will do
 * @returns {Promise<void>}
 */
export async function ensureTool({ name, packages, files, since, pinned, needsLibc }, { orElsewhere }) {
  const folder = join(toolsFolder(), name);
  const [program = ""] = files;
  if (files.every((file) => existsSync(join(folder, file))) && (!needsLibc || (await runs(folder, program)))) return;
  if (orElsewhere && isThere(name)) return;
  const release = readOsRelease();
  if (!isDebianLike(release)) throw new Error(`${name} is not there, and only on Debian and Ubuntu can it be fetched${process.platform === "darwin" ? "; get it with `brew install podman`" : ""}`);
  const { suite, codename } = suiteFor(release, since, pinned);
  await step(`fetching ${name} from ${suite}`, async () => `${await fetchPackage({ packages, suite, codename, files, folder })} in ${folder}`);
  if (!needsLibc || (await runs(folder, program))) return;
  await step(`fetching its C library from ${suite}`, () => addLibc({ suite, codename, folder, program }));
  if (!(await runs(folder, program))) throw new Error(`${name} of ${suite} does not run here`);
}

/** Multiarch name and dynamic loader of an architecture word of Node. @type {Record<string, [triplet: string, loader: string]>} */
const loaders = { x64: ["x86_64-linux-gnu", "ld-linux-x86-64.so.2"], arm64: ["aarch64-linux-gnu", "ld-linux-aarch64.so.1"] };

/**
 * Puts a C library beside a tool, and in front of the tool, in usr/bin, a script that runs it with that one.
 * @param {{ suite: string, codename: string, folder: string, program: string }} tool
 */
async function addLibc({ suite, codename, folder, program }) {
  const [triplet, loader] = loaders[process.arch] ?? ["", ""];
  if (triplet === "") throw new Error(`no C library for ${process.arch} is known`);
  const libraries = `usr/lib/${triplet}`;
  const libc = join(folder, "libc");
  await fetchPackage({ packages: ["libc6"], suite, codename, files: [loader, "libc.so.6", "libm.so.6"].map((file) => `${libraries}/${file}`), folder: libc });
  const own = join(libc, libraries);
  const script = join(folder, "usr/bin", basename(program));
  // A program of usr/bin makes way for its script.
  const real = join(folder, program) === script ? join(folder, "usr/libexec", basename(program)) : join(folder, program);
  await mkdir(dirname(real), { recursive: true });
  if (real !== join(folder, program)) await rename(script, real);
  const text = `#!/bin/sh\nexec '${join(own, loader)}' --library-path '${own}:/${libraries}:/lib/${triplet}' '${real}' "$@"\n`;
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, text, { mode: 0o755 });
}

/** Whether a tool runs, by itself or by the script in front of it. @param {string} folder @param {string} program @returns {Promise<boolean>} */
async function runs(folder, program) {
  const tries = [join(folder, "usr/bin", basename(program)), join(folder, program)].filter((path) => existsSync(path));
  return Promise.any(tries.map((path) => run(path, ["--version"]))).then(() => true, () => false);
}

/** @param {string} question */
async function agreed(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`setup: ${question}`)).trim());
  } finally {
    terminal.close();
  }
}
