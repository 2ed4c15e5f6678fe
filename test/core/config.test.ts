import { execFile } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cosmiconfig } from "cosmiconfig";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findConfig, loadScript, pickMachine, pluginResolver, specLayer, type LoadedScript, type LoadOptions } from "../../core/config.ts";
import { MachineError, type ErrorRecord } from "../../core/errors.ts";
import { hostOf } from "../fixtures/hosts.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = makeTestFolder();
});
afterEach(() => folder.remove());

const uid = process.getuid?.() ?? 0;
const root = fileURLToPath(new URL("../../", import.meta.url));
const host = hostOf("linux/amd64", { cpus: 6 });

function put(path: string, text = ""): string {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}
function load(path: string, text: string, options: Partial<LoadOptions & { readonly optional: boolean }> = {}): Promise<LoadedScript> {
  return loadScript(put(path, text), { host, cwd: folder.path, ...options });
}
async function failureOf(work: Promise<unknown>): Promise<MachineError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(MachineError);
  return error as MachineError;
}

// ---- finding

async function found(cwd = "", explicit?: string): Promise<string | undefined> {
  const { script } = await findConfig({ cwd: join(folder.path, cwd), ...(explicit !== undefined && { explicit }), userFolder: join(folder.path, "user"), uid });
  return script?.slice(realpathSync(folder.path).length + 1);
}

test("nothing is found where nothing is", async () => {
  expect(await findConfig({ cwd: put("a/b/x").slice(0, -2), userFolder: "/nonexistent", uid })).toEqual({});
});

test.each<[string, readonly string[], string | undefined]>([
  ["glowplug.config.* is found upwards", ["glowplug.config.yaml"], "glowplug.config.yaml"],
  ["machine.* is not found upwards", ["machine.ts", "a/machine.ts"], undefined],
  ["machine.* is found here", ["a/b/machine.json"], "a/b/machine.json"],
  ["glowplug.config.* comes before machine.*", ["a/b/machine.ts", "a/b/glowplug.config.yml"], "a/b/glowplug.config.yml"],
  ["what is here comes before what is above", ["a/glowplug.config.ts", "a/b/machine.yaml"], "a/b/machine.yaml"],
  ["the nearest is taken", ["glowplug.config.ts", "a/glowplug.config.mjs"], "a/glowplug.config.mjs"],
  ["scripts come before data", ["a/b/machine.yaml", "a/b/machine.json", "a/b/machine.js", "a/b/machine.ts"], "a/b/machine.ts"],
  ["other tools' files are none of ours", ["a/b/package.json", "a/b/.glowplugrc", "a/b/glowplug.ts"], undefined],
])("%s", async (_, files, expected) => {
  mkdirSync(join(folder.path, "a/b"), { recursive: true });
  for (const file of files) put(file, file.endsWith("package.json") ? '{ "glowplug": {} }' : "x");
  expect(await found("a/b")).toBe(expected);
});

test("a file that is empty, a folder, or would not run is found all the same, or skipped, without being looked into", async () => {
  mkdirSync(join(folder.path, "glowplug.config.ts"));
  put("glowplug.config.mts", "throw new Error('was run')");
  expect(await found()).toBe("glowplug.config.mts");
  put("glowplug.config.js", "");
  expect(await found("", "glowplug.config.js")).toBe("glowplug.config.js");
});

test("looking runs none of the scripts that cosmiconfig looks for by itself", async () => {
  const touched = join(folder.path, "touched");
  const body = `require("node:fs").writeFileSync(${JSON.stringify(touched)}, "");`;
  put(".config/config.js", body);
  put(".config/config.cjs", body);
  put("package.json", "{ broken");
  put("machine.yaml", "cpus: 1");
  const { stdout } = await runLoader(60_000, [join(folder.path, "machine.yaml")]);
  expect(stdout).toEqual([{ machines: [{ spec: { cpus: 1 } }] }]);
  const finder = `import { findConfig } from ${JSON.stringify(join(root, "core/config.ts"))}; console.log(JSON.stringify(await findConfig({ cwd: process.cwd(), userFolder: "/nonexistent", uid: ${uid} })));`;
  const looked = await promisify(execFile)(process.execPath, ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", finder], { cwd: folder.path });
  expect(JSON.parse(looked.stdout)).toEqual({ script: join(realpathSync(folder.path), "machine.yaml") });
  await expect(import("node:fs/promises").then(({ stat }) => stat(touched))).rejects.toThrow("ENOENT");
});

test("a named file is taken wherever it lies, and a named folder is looked into", async () => {
  put("x/web.ts");
  put("x/machine.yaml");
  expect(await found("x", "web.ts")).toBe("x/web.ts");
  expect(await found("", "x/web.ts")).toBe("x/web.ts");
  expect(await found("", "./x")).toBe("x/machine.yaml");
  expect(await found("", join(folder.path, "x/web.ts"))).toBe("x/web.ts");
});

test.each<[string, object]>([
  ["wbe.ts", { code: "not-found", message: 'there is no file wbe.ts; did you mean "web.ts"?' }],
  ["nowhere/web.ts", { code: "not-found", message: "there is no file nowhere/web.ts" }],
  ["empty", { code: "not-found", message: "the folder empty holds no glowplug.config.* and no machine.*" }],
  ["web.txt", { code: "bad-config", message: "web.txt is no script and no config: expected an ending of .ts .mts .js .mjs .json .yaml .yml, found .txt" }],
])("naming %s is an error", async (explicit, expected) => {
  put("web.ts");
  put("web.txt");
  mkdirSync(join(folder.path, "empty"));
  expect(await failureOf(found("", explicit))).toMatchObject(expected);
});

test("the user's own config is found beside whatever else is", async () => {
  const user = put("user/config.yaml");
  expect(await findConfig({ cwd: folder.path, userFolder: dirname(user), uid })).toEqual({ user: realpathSync(user) });
  const script = put("machine.ts");
  expect(await findConfig({ cwd: folder.path, userFolder: dirname(user), uid })).toEqual({ script: realpathSync(script), user: realpathSync(user) });
});

test.each([["here", "."], ["above", "a"]])("a config %s that somebody else could have written is refused, and says how to use it", async (_, cwd) => {
  const file = put("glowplug.config.ts");
  mkdirSync(join(folder.path, "a"));
  chmodSync(folder.path, 0o777);
  expect(await failureOf(found(cwd))).toMatchObject({
    code: "bad-config", message: `${file} lies in a folder that everybody may write to, so it is not used unasked`, hint: `Name it, if you trust it: --config ${file}`,
  });
  expect(await found(cwd, file)).toBe("glowplug.config.ts");
  chmodSync(folder.path, 0o1777);
  expect(await found(cwd)).toBe("glowplug.config.ts");
});

test("a config in a folder of somebody else's is refused", async () => {
  const file = put("glowplug.config.ts");
  mkdirSync(join(folder.path, "a"));
  if (uid === 0) chownSync(folder.path, 12_345, 12_345);
  const work = findConfig({ cwd: join(folder.path, "a"), userFolder: "/nonexistent", uid: uid === 0 ? 0 : uid + 1 });
  expect((await failureOf(work)).message).toBe(`${file} lies in a folder of user ${uid === 0 ? 12_345 : uid}'s, so it is not used unasked`);
});

test("nothing is looked at where nothing is looked for: a machine without a script is started from anywhere", async () => {
  put("glowplug.config.ts");
  chmodSync(folder.path, 0o777);
  expect(await findConfig({ cwd: folder.path, search: false, userFolder: "/nonexistent", uid })).toEqual({});
});

test("the user's own config is refused where others can write it", async () => {
  const file = put("user/config.ts");
  chmodSync(dirname(file), 0o777);
  expect(await failureOf(findConfig({ cwd: folder.path, userFolder: dirname(file), uid }))).toMatchObject({
    code: "bad-config", message: `${file} lies in a folder that everybody may write to, so it is not used`, hint: `It should be yours alone: chown ${uid} and chmod go-w, for the file and its folder.`,
  });
});

test("packages of a script come from folders that somebody else could not write", async () => {
  const script = 'import { answer } from "some-package";\nexport default { cpus: answer };\n';
  put("node_modules/some-package/package.json", '{ "type": "module", "exports": "./index.js" }');
  put("node_modules/some-package/index.js", 'export { answer } from "deep-package";');
  put("node_modules/deep-package/package.json", '{ "type": "module", "exports": "./index.js" }');
  put("node_modules/deep-package/index.js", "export const answer = 3;");
  put("a/m.ts", script);
  const path = join(folder.path, "a/m.ts");
  expect((await runLoader(60_000, [path])).stdout).toEqual([{ machines: [{ spec: { cpus: 3 } }] }]);
  const packages = join(folder.path, "node_modules");
  chmodSync(packages, 0o777);
  const message = (whose: string): object => ({ error: { code: "bad-script", message: expect.stringContaining(`${packages}, which ${whose}, is not used: install the package beside the script`) as string } });
  expect((await runLoader(60_000, [path])).stdout).toMatchObject([message("everybody may write to")]);
  chmodSync(packages, 0o755);
  if (uid !== 0) return;
  chownSync(packages, 12_345, 12_345);
  expect((await runLoader(60_000, [path])).stdout).toMatchObject([message("belongs to user 12345")]);
  chownSync(join(folder.path, "a"), 12_345, 12_345);
  expect((await runLoader(60_000, [path])).stdout).toEqual([{ machines: [{ spec: { cpus: 3 } }] }]);
});

test("cosmiconfig itself takes a script's own ENOENT for no config at all", async () => {
  put("x.config.mjs", 'import { readFileSync } from "node:fs";\nreadFileSync("/nonexistent");\nexport default {};\n');
  expect(await cosmiconfig("x", { searchPlaces: ["x.config.mjs"] }).search(folder.path)).toBeNull();
});

// ---- running

test("tsx itself takes a lone script for CommonJS, so that top-level await fails", async () => {
  const script = put("machine.ts", "export default await Promise.resolve(1);\n");
  const run = `import { tsImport } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))}; await tsImport(${JSON.stringify(script)}, import.meta.url);`;
  await expect(promisify(execFile)(process.execPath, ["--input-type=module", "-e", run], { cwd: folder.path })).rejects.toThrow('Top-level await is currently not supported with the "cjs" output format');
});

test("a lone script runs with nothing beside it: no package.json, no node_modules", async () => {
  cpSync(join(root, "test/fixtures/scripts/lone"), folder.path, { recursive: true });
  const { machines } = await loadScript(join(folder.path, "machine.ts"), { host, cwd: folder.path });
  expect(machines).toHaveLength(1);
  expect(machines[0]?.spec).toMatchObject({ memory: "512MiB", forwarder: { name: "slirp", role: "forwarder" }, afterStart: expect.any(Function) as unknown });
});

test.each([
  ["a package.json of type commonjs", '{ "type": "commonjs" }'], ["a package.json without a type", "{}"], ["a package.json of type module", '{ "type": "module" }'],
])("top-level await works under %s, and a tsconfig.json is left alone", async (_, text) => {
  put("package.json", text);
  put("tsconfig.json", "{ broken");
  for (const ending of ["ts", "mts", "js", "mjs"]) {
    const { machines } = await load(`one.${ending}`, 'import { defineMachine } from "glowplug";\nexport default defineMachine({ cpus: await Promise.resolve(2) });\n');
    expect(machines).toEqual([{ spec: { cpus: 2 } }]);
  }
});

test("each load runs the script anew", async () => {
  put("count.ts", "export const state = { count: 0 };");
  const script = 'import { state } from "./count.ts";\nstate.count += 1;\nexport default { cpus: state.count };';
  for (let time = 0; time < 2; time += 1) expect((await load("machine.ts", script)).machines[0]?.spec.cpus).toBe(1);
});

test("a function is called with the host and the name, and awaited", async () => {
  const script = "export default async ({ host, name }) => ({ name, cpus: (await Promise.resolve(host.cpus)) - 1 });";
  expect((await load("machine.js", script, { name: "web" })).machines).toEqual([{ name: "web", spec: { name: "web", cpus: 5 } }]);
});

test.each<[string, string, readonly string[]]>([
  ["an array of specs", 'export default [{ name: "a" }, { name: "b" }];', ["a", "b"]],
  ["a record of specs by name", "export default { a: {}, b: { cpus: 1 } };", ["a", "b"]],
  ["a function that returns a record", "export default () => ({ a: {} });", ["a"]],
  ["a record whose spec has a name of its own", 'export default { a: { name: "other" } };', ["other"]],
])("%s describes several machines", async (_, script, names) => {
  expect((await load("machine.mjs", script)).machines.map(({ spec }) => spec.name)).toEqual(names);
});

test("what might be a record and is a spec is a spec", async () => {
  for (const script of ["export default {};", "export default { image: { name: 'x' } };", "export default { imgae: { name: 'x', role: 'image' } };", "export default { cpu: 2 };"]) {
    const { machines } = await load("machine.mjs", script);
    expect(machines).toHaveLength(1);
    expect(machines[0]?.name).toBeUndefined();
  }
});

test.each<[string, string, string, string]>([
  ["a script without a default export", "m.ts", "export const a = 1;", "m.ts has no default export"],
  ["an empty script", "m.ts", "", "m.ts has no default export"],
  ["a function that returns nothing", "m.ts", "export default () => {};", "m.ts has no default export"],
  ["a number", "m.ts", "export default 7;", "m.ts: expected a machine's spec, found 7"],
  ["an empty list", "m.ts", "export default [];", "m.ts: expected a machine's spec, found an empty list"],
  ["a list with something else", "m.ts", "export default [{ name: 'a' }, null];", "m.ts [1]: expected a machine's spec, found null"],
  ["a list without names", "m.ts", "export default [{ name: 'a' }, {}];", "m.ts: machine [1] has no name"],
  ["a name twice", "m.ts", "export default [{ name: 'a' }, { name: 'a' }];", 'm.ts: two machines are named "a"'],
  ["an empty YAML file", "m.yaml", "# nothing\n", "m.yaml is empty"],
  ["an empty JSON file", "m.json", "", "m.json is empty"],
  ["a YAML file with one word", "m.yaml", "web", 'm.yaml: expected a machine\'s spec, found "web"'],
])("%s describes no machine", async (_, path, text, message) => {
  expect(await failureOf(load(path, text))).toMatchObject({ code: "bad-config", message });
});

test("a script that exports nothing is accepted where that is asked for", async () => {
  expect((await load("m.ts", "export {};", { optional: true })).machines).toEqual([]);
});

test("one of several machines is picked by name", async () => {
  const { machines } = await load("m.ts", "export default { web: {}, db: {} };");
  expect(pickMachine(machines, "db", "m.ts").name).toBe("db");
  expect(() => pickMachine(machines, undefined, "m.ts")).toThrow("m.ts describes 2 machines: web, db");
  expect(() => pickMachine(machines, "wbe", "m.ts")).toThrow('m.ts describes no machine "wbe"; did you mean "web"?');
  const single = await load("n.ts", "export default {};");
  expect([undefined, "any"].map((name) => pickMachine(single.machines, name, "n.ts"))).toEqual([single.machines[0], single.machines[0]]);
  const named = await load("o.ts", "export default { name: 'web' };");
  expect(() => pickMachine(named.machines, "db", "o.ts")).toThrow('o.ts describes no machine "db"');
});

test("YAML and JSON know the line of each field", async () => {
  const yaml = await load("a/m.yaml", "web:\n  cpus: two\n  ports:\n    - 8080:80\n    - hostPort: 0\ndb: {}\n");
  const [web] = yaml.machines;
  expect(web?.spec).toEqual({ name: "web", cpus: "two", ports: ["8080:80", { hostPort: 0 }] });
  expect(["cpus", "ports[1].hostPort", "ports[1].guestPort", "nothing"].map((path) => web?.lineOf?.(path))).toEqual([2, 5, 5, 2]);
  expect(specLayer("config", yaml, web as never)).toMatchObject({ source: "config", where: "a/m.yaml", folder: join(folder.path, "a"), spec: { name: "web" } });
  const json = await load("m.json", '[\n\t{ "name": "a",\n\t\t"cpus": 1 }\n]\n');
  expect(json.machines[0]?.lineOf?.("cpus")).toBe(3);
});

test.each<[string, string, string, string | undefined]>([
  ["m.yaml", "cpus: 2\nname: [a\n", "m.yaml:3: Flow sequence in block collection must be sufficiently indented and end with a ]", undefined],
  ["m.yaml", "cpus: 2\ncpus: 3\n", "m.yaml:2: Map keys must be unique", "cpus: 2\ncpus: 3\n^"],
  ["m.json", '{\n  "cpus": 2,\n}\n', "m.json:3: Expected double-quoted property name", undefined],
  ["m.json", '{\n  "cpus" 2\n}\n', "m.json:2:", undefined],
  ["m.json", "cpus: 2\n", "m.json:1: Unexpected token 'c', \"cpus: 2\n\" is not valid JSON", undefined],
])("broken data in %s (%j) is told with its line", async (path, text, message, detail) => {
  const error = await failureOf(load(path, text));
  expect(error.code).toBe("bad-config");
  expect(error.message.startsWith(message), error.message).toBe(true);
  if (detail !== undefined) expect(error.details?.[0]).toContain(detail);
});

// ---- failing, in plain processes: the test runner has its own idea of stack traces

type Outcome = { readonly machines?: unknown; readonly error?: ErrorRecord };
async function runLoader(deadlineMs: number, paths: readonly string[]): Promise<{ readonly stdout: readonly Outcome[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=glowplug-source", "--import", import.meta.resolve("tsx"), join(root, "test/fixtures/load-script.ts"), String(deadlineMs), ...paths], { cwd: folder.path });
  return { stdout: stdout.trim().split("\n").map((line) => JSON.parse(line) as Outcome) };
}

test("a script that fails is told with file, line, column and code", async () => {
  const failing: readonly (readonly [text: string, error: Partial<ErrorRecord>])[] = [
    ["interface Long {\n  a: number;\n}\nconst long = undefined as unknown as Long;\nexport default { cpus: long.a };\n", {
      message: "0.ts:5:29: TypeError: Cannot read properties of undefined (reading 'a')",
      details: ["  3 | }\n  4 | const long = undefined as unknown as Long;\n> 5 | export default { cpus: long.a };\n    |                             ^\n  6 |"],
    }],
    ["const a = 1;\nconst b = ;\n", { message: '1.ts:2:11: SyntaxError: Unexpected ";"', details: ["  1 | const a = 1;\n> 2 | const b = ;\n    |           ^\n  3 |"] }],
    ['import { readFileSync } from "node:fs";\nreadFileSync("/nonexistent");\nexport default {};\n', { message: "2.ts:2:1: ENOENT: no such file or directory, open '/nonexistent'" }],
    ['\nimport { nope } from "./nope.ts";\nexport default { nope };\n', { message: `3.ts:2: cannot find the module ${realpathSync(folder.path)}/nope.ts` }],
    ['import nope from "no-such-package";\nexport default { nope };\n', { message: "4.ts:1: cannot find the package no-such-package", hint: "Install the package beside the script: npm install no-such-package" }],
    ['import { defineMachin } from "glowplug";\nexport default defineMachin({});\n', { message: "5.ts:1: SyntaxError: The requested module 'glowplug' does not provide an export named 'defineMachin'" }],
    ["export default async () => {\n  await null;\n  throw new Error('late');\n};\n", { message: "6.ts:3:9: late" }],
    ["throw 'a text';\n", { message: "7.ts: a text" }],
    ['import { MachineError } from "glowplug";\nthrow new MachineError("unsupported-host", "not here", { hint: "Go elsewhere." });\n', { code: "unsupported-host", message: "8.ts:2:7: not here", hint: "Go elsewhere." }],
  ];
  const { stdout } = await runLoader(60_000, failing.map(([text], index) => put(`${index}.ts`, text)));
  failing.forEach(([, error], index) => expect(stdout[index]?.error).toMatchObject({ code: "bad-script", ...error }));
});

test("a script that never ends is ended at the deadline, and the process goes on", async () => {
  const paths = [
    put("loop.ts", "export default {};\nfor (;;) { try { JSON.parse('{'); } catch {} }"), put("microtasks.ts", "export default {};\nfor (;;) await null;"),
    put("called.ts", "export default () => { for (;;); };"), put("waits.ts", "await new Promise((resolve) => setTimeout(resolve, 3_600_000));\nexport default {};"),
  ];
  const { stdout } = await runLoader(1500, paths);
  expect(stdout.map(({ error }) => `${error?.code}: ${error?.message}`)).toEqual(["loop", "microtasks", "called", "waits"].map((name) => `deadline: ${name}.ts did not end within 1.5 s`));
});

test("a script that waits for what cannot come is told at once", async () => {
  const { stdout } = await runLoader(3_600_000, [put("stuck.ts", "await new Promise(() => {});\nexport default {};"), put("well.ts", "export default { cpus: 1 };")]);
  expect(stdout).toEqual([{ error: { code: "deadline", message: "stuck.ts waits for something that never comes", hint: "A promise in its top-level code never settles.", stage: "script" } }, { machines: [{ spec: { cpus: 1 } }] }]);
});

// ---- plugins of the user's

test("plugins are found among the built-ins, beside the script and in its node_modules", async () => {
  const resolve = pluginResolver({ host, cwd: folder.path });
  put("mine.ts", 'import { definePlugin } from "glowplug";\nexport default (options: { word?: string } = {}) => definePlugin({ name: options.word ?? "mine" });\n');
  put("node_modules/glowplug-thing/package.json", '{ "name": "glowplug-thing", "type": "module", "exports": { "import": "./main.js" } }');
  put("node_modules/glowplug-thing/main.js", 'import { definePlugin } from "glowplug";\nexport default () => definePlugin({ name: "thing" });\n');
  expect((await resolve("forwarder", "slirp", folder.path)).name).toBe("slirp");
  expect((await resolve("addon", ["./mine.ts", { word: "yours" }], folder.path)).name).toBe("yours");
  expect((await resolve("addon", "glowplug-thing", folder.path)).name).toBe("thing");
  expect((await failureOf(resolve("addon", "glowplug-thin", folder.path)))).toMatchObject({ code: "not-found", message: 'unknown plugin "glowplug-thin"' });
  expect((await failureOf(resolve("addon", "./yours.ts", folder.path)))).toMatchObject({ code: "not-found", message: "there is no file yours.ts" });
});
