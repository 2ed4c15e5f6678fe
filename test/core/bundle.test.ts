import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDist } from "../../core/bundle.ts";
import { listBuiltIns } from "../../core/resolve.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
let folder: TestFolder;
let dist: string;
let files: readonly string[];

beforeAll(async () => {
  folder = makeTestFolder();
  dist = join(folder.path, "dist");
  mkdirSync(join(dist, "types"), { recursive: true });
  writeFileSync(join(dist, "chunk-of-yesterday.js"), "");
  writeFileSync(join(dist, "types/index.d.ts"), "");
  writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }');
  // What an installed glowplug has beside its dist: the packages that are not bundled.
  mkdirSync(join(folder.path, "node_modules"));
  for (const name of ["tsx", "esbuild", "@esbuild"]) cpSync(join(root, "node_modules", name), join(folder.path, "node_modules", name), { recursive: true });
  files = await buildDist({ outdir: dist, extra: { "load-script": "test/fixtures/load-script.ts", "try-ssh": "test/fixtures/try-ssh.ts", "try-lazy": "test/fixtures/try-lazy.ts" } });
});
afterAll(() => folder.remove());

async function node(script: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: folder.path });
  return JSON.parse(stdout) as unknown;
}

test("there is a module for the command, the keeper, the face, each plugin and what tests them, and nothing of yesterday's", () => {
  const roles = ["image", "provisioner", "launcher", "forwarder", "addon"] as const;
  const plugins = roles.flatMap((role) => [...listBuiltIns({ plugins: join(root, "plugins"), ending: ".ts" }, role).keys()].map((name) => `plugins/${role}s/${name}.js`));
  expect(plugins).toContain("plugins/launchers/qemu.js");
  expect(files).toEqual(expect.arrayContaining(["glowplug.js", "index.js", "keeper.js", "testing.js", "fake-qemu.js", "fake-gvproxy.js", "fake-qemu-img.js", "fake-virtiofsd.js", ...plugins]));
  expect(existsSync(join(dist, "chunk-of-yesterday.js"))).toBe(false);
  expect(existsSync(join(dist, "types/index.d.ts"))).toBe(true);
});

test("chunks lie beside the keeper, and none names the tree that it was built in", () => {
  expect(files.filter((file) => file.includes("/")).filter((file) => !file.startsWith("plugins/"))).toEqual([]);
  expect(files.filter((file) => readFileSync(join(dist, file), "utf8").includes(root))).toEqual([]);
});

test("the command and the fake programs can be executed, and nothing else", async () => {
  const programs = files.filter((file) => (statSync(join(dist, file)).mode & 0o111) !== 0);
  expect(programs).toEqual(["fake-gvproxy.js", "fake-qemu-img.js", "fake-qemu.js", "fake-virtiofsd.js", "glowplug.js"]);
  expect(statSync(join(dist, "glowplug.js")).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(dist, "glowplug.js"), "utf8").split("\n", 1)).toEqual(["#!/usr/bin/env node"]);
  const { stdout } = await promisify(execFile)(join(dist, "glowplug.js"), ["version"]);
  expect(stdout).toContain("glowplug");
});

test.each(["glowplug.js", "cli.js", "keeper.js"])("%s opens no other file before it is asked to", (program) => {
  expect(readFileSync(join(dist, program), "utf8")).not.toMatch(/(from|import)\s*["']\./);
});

test("the light verbs need the command's own file alone", async () => {
  const lone = makeTestFolder();
  try {
    cpSync(join(dist, "glowplug.js"), join(lone.path, "glowplug.mjs"));
    const env = { XDG_DATA_HOME: lone.path, XDG_RUNTIME_DIR: lone.path };
    const { stdout } = await promisify(execFile)(process.execPath, [join(lone.path, "glowplug.mjs"), "list", "--format", "json"], { env });
    expect(JSON.parse(stdout)).toEqual([]);
  } finally {
    lone.remove();
  }
});

test("plain node runs the face and a plugin, and both share one copy of the core", async () => {
  const outcome = await node(`
    import { MachineError, defineMachine, isMachineError } from ${JSON.stringify(join(dist, "index.js"))};
    import file from ${JSON.stringify(join(dist, "plugins/images/file.js"))};
    let thrown;
    try { file({}); } catch (error) { thrown = error; }
    console.log(JSON.stringify([defineMachine({ cpus: 1 }), file("./a").name, isMachineError(thrown), thrown instanceof MachineError]));
  `);
  expect(outcome).toEqual([{ cpus: 1 }, "file", true, true]);
});

test("ssh2 loads without its native parts", async () => {
  expect(await node(`import ${JSON.stringify(join(dist, "try-ssh.js"))};`)).toEqual({ client: "function", key: "ssh-ed25519" });
});

test("packages that are loaded late have their exports by name, CommonJS or not", async () => {
  expect(await node(`import ${JSON.stringify(join(dist, "try-lazy.js"))};`)).toEqual(["function", "a: 1\n", "function"]);
});

test("a lone script runs against the bundle, with plain node and nothing beside it", async () => {
  const lone = makeTestFolder();
  try {
    cpSync(join(root, "test/fixtures/scripts/lone"), lone.path, { recursive: true });
    const { stdout } = await promisify(execFile)(process.execPath, [join(dist, "load-script.js"), "60000", join(lone.path, "machine.ts")], { cwd: lone.path });
    expect(JSON.parse(stdout)).toMatchObject({ machines: [{ spec: { memory: "512MiB", forwarder: { name: "slirp", role: "forwarder" } } }] });
  } finally {
    lone.remove();
  }
});
