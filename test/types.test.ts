import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync, copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMachineError } from "glowplug";
import { openMachine } from "../core/open.ts";
import { makeTestFolder, type TestFolder } from "./support/folders.ts";
import { makeTestRun } from "./support/run.ts";

const root = resolve(import.meta.dirname, "..");

interface Planted {
  readonly mistake: string;
  readonly script: string;
  /** What the compiler says; undefined where types cannot tell. */
  readonly compiler?: string;
  /** What every script, config and flag is checked for, compiler or not; undefined where only the compiler sees it. */
  readonly check?: string;
}

const machine = (fields: string, imports = ""): string => `import { defineMachine } from "glowplug";\n${imports}export default defineMachine({ ${fields} });\n`;
const qemu = 'import qemu from "glowplug/plugins/launchers/qemu";\n';
const slirp = 'import slirp from "glowplug/plugins/forwarders/slirp";\n';
const plugin = (members: string): string => `import { definePlugin, defineMachine } from "glowplug";\nconst plugin = definePlugin({ ${members} });\nexport default defineMachine({ plugins: [plugin] });\n`;

/** Mistakes as people make them, each in a script of its own. */
const planted: readonly Planted[] = [
  {
    mistake: "a misspelt field", script: machine("cpu: 2"),
    compiler: "Object literal may only specify known properties, but 'cpu' does not exist in type 'MachineSpec'. Did you mean to write 'cpus'?",
    check: 'cpu: unknown field; did you mean "cpus"?',
  },
  {
    mistake: "a size without a unit", script: machine("memory: 4096"),
    compiler: "Type 'number' is not assignable to type '`${number}KiB` | `${number}MiB` | `${number}GiB` | `${number}TiB` | undefined'.",
    check: 'memory: expected a size with its unit such as "4GiB", found 4096',
  },
  {
    mistake: "a size with a unit that is none", script: machine('disk: "20GB"'),
    compiler: "Type '\"20GB\"' is not assignable to type '`${number}KiB` | `${number}MiB` | `${number}GiB` | `${number}TiB` | undefined'.",
    check: 'disk: expected a size with its unit such as "4GiB", found "20GB"',
  },
  {
    mistake: "no processor at all", script: machine("cpus: 0"),
    check: "cpus: expected a whole number of at least 1, found 0",
  },
  {
    mistake: "a misspelt hook of a script", script: machine("afterStrat() {}"),
    compiler: "Object literal may only specify known properties, but 'afterStrat' does not exist in type 'MachineSpec'. Did you mean to write 'afterStart'?",
    check: 'afterStrat: unknown field; did you mean "afterStart"?',
  },
  {
    mistake: "a misspelt hook of a plugin", script: plugin('name: "mine", beforeboot() {}'),
    compiler: "Object literal may only specify known properties, but 'beforeboot' does not exist in type 'Plugin'. Did you mean to write 'beforeBoot'?",
    check: "plugins[0]: unknown hook beforeboot; did you mean beforeBoot?",
  },
  {
    mistake: "a plugin without a name", script: plugin("ignition() {}"),
    compiler: "Argument of type '{ ignition(): void; }' is not assignable to parameter of type 'Plugin'.",
    check: "plugins[0].name: expected a name, found nothing",
  },
  {
    mistake: "something that a hook does not have", script: machine('afterStart({ guest }) { guest.file({ path: "/etc/late", content: "" }); }'),
    compiler: "Property 'guest' does not exist on type 'AfterStartEvent'.",
  },
  {
    mistake: "a plugin in another's slot", script: machine("launcher: slirp()", slirp),
    compiler: "Type 'Forwarder' is not assignable to type 'string | Launcher | NamedPlugin | undefined'.",
    check: "launcher: expected a launcher plugin, found a forwarder plugin (\"slirp\")",
  },
  {
    mistake: "a plugin that was not called", script: machine("launcher: qemu", qemu),
    compiler: "Type '(options?: QemuOptions) => Launcher' is not assignable to type 'string | Launcher | NamedPlugin | undefined'.",
    check: "launcher: expected a launcher plugin, found the function qemu; call it: qemu()",
  },
  {
    mistake: "an option that a plugin does not have", script: machine("launcher: qemu({ arguments: [] })", qemu),
    compiler: "Object literal may only specify known properties, and 'arguments' does not exist in type 'QemuOptions'.",
    check: 'qemu has no option "arguments"',
  },
  {
    mistake: "a plugin that nobody has", script: machine('forwarder: "gvproxi"'),
    check: 'forwarder: unknown forwarder "gvproxi"; did you mean "gvproxy"?',
  },
  {
    mistake: "a port of the host that is used twice", script: machine('ports: ["8080:80", "8080:81"]'),
    check: "ports: expected each port of the host once",
  },
  {
    mistake: "a file with no text", script: machine('files: [{ path: "/etc/motd" }]'),
    check: "files[0]: expected either content or source, found neither",
  },
];

let folder: TestFolder;
beforeAll(() => {
  folder = makeTestFolder();
});
afterAll(() => folder.remove());

describe("a mistake in a script is found before anything happens:", () => {
  /** The first line of what the compiler says, by the script's number. */
  let said: readonly (string | undefined)[];
  beforeAll(() => {
    const paths = planted.map((_, index) => join(root, "examples", `planted-${index}.ts`));
    const program = compile(paths, readConfig("tsconfig.json"), Object.fromEntries(planted.map(({ script }, index) => [paths[index] ?? "", script])));
    const found = messagesOf(program);
    said = paths.map((path) => found.find(({ file }) => file === path)?.message);
  }, 60_000);

  it.each(planted.map((one, index) => [one.mistake, { ...one, index }] as const))("%s", async (_, { script, index, compiler, check }) => {
    expect(compiler ?? check).toBeDefined();
    expect(said[index]).toBe(compiler);
    const path = join(folder.path, `planted-${index}.ts`);
    writeFileSync(path, script);
    const before = readdirSync(folder.path);
    const told = await openMachine({ script: path }, makeTestRun(folder, { local: false })).then(() => undefined, (error: unknown) => (isMachineError(error) ? [error.message, ...(error.details ?? [])].join("\n") : error));
    if (check === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(check);
    expect(readdirSync(folder.path)).toEqual(before);
  });
});

describe("the published types", () => {
  it("serve a script, a plugin and a test beside an installed package, with every declaration sound", () => {
    const place = join(folder.path, "consumer");
    const installed = join(place, "node_modules/glowplug");
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(root, "package.json"), join(installed, "package.json"));
    for (const name of ["@types", "undici-types"]) symlinkSync(join(root, "node_modules", name), join(place, "node_modules", name));
    const { options, fileNames } = readConfig("tsconfig.build.json");
    const emitted = ts.createProgram(fileNames, { ...options, outDir: join(installed, "dist/types") });
    expect(emitted.emit().diagnostics).toEqual([]);
    expect(existsSync(join(installed, "dist/types/core/index.d.ts"))).toBe(true);

    const files = {
      "machine.ts": machine('cpus: 2, memory: "2GiB", launcher: qemu({ args: ["-s"] }), async afterStart({ ssh, log }) { log((await ssh.exec("id")).stdout); }', qemu),
      "plugin.ts": 'import { definePlugin, Command, type Launcher } from "glowplug";\nexport default definePlugin({ name: "mine", beforeBoot({ boot }) { boot.vm.add("-s"); } });\nexport const line: Command = new Command("x");\nexport type It = Launcher;\n',
      "plugin.test.ts": 'import { contractOf, testMachine } from "glowplug/testing";\nimport mine from "./plugin.ts";\nfor (const { run } of contractOf("addon", () => mine)) await run();\nawait using it = await testMachine({ plugins: [mine] });\nexport const text: string | undefined = it.file("/etc/motd");\n',
      "wrong.ts": machine("cpu: 2"),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    writeFileSync(join(place, "package.json"), '{ "type": "module" }');
    const { customConditions: _, ...plain } = readConfig("tsconfig.json").options;
    const found = messagesOf(compile(Object.keys(files).map((name) => join(place, name)), { options: { ...plain, skipLibCheck: false, skipDefaultLibCheck: true }, fileNames: [] }));
    expect(found).toEqual([{ file: join(place, "wrong.ts"), message: planted[0]?.compiler }]);
  }, 120_000);
});

interface Config {
  readonly options: ts.CompilerOptions;
  readonly fileNames: readonly string[];
}

function readConfig(name: string): Config & { readonly fileNames: string[] } {
  return ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, name), (path) => ts.sys.readFile(path)).config, ts.sys, root);
}

/** A program of files, some of which are only here. */
function compile(paths: readonly string[], { options }: Config, texts: Readonly<Record<string, string>> = {}): ts.Program {
  const settings: ts.CompilerOptions = { ...options, noEmit: true };
  const host = ts.createCompilerHost(settings);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => path in texts || fileExists(path);
  host.readFile = (path) => texts[path] ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => (texts[path] === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, texts[path], target));
  return ts.createProgram(paths, settings, host);
}

function messagesOf(program: ts.Program): readonly { readonly file: string | undefined; readonly message: string }[] {
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => ({ file: file?.fileName, message: ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0] ?? "" }));
}
