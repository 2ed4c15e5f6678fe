import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Source {
  /** Relative to the tree. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}
interface Import {
  readonly from: string;
  /** The file in the tree, where it is one. */
  readonly file?: string;
  /** now: when the file is loaded. lazy: when the line is reached, by `import()`. type: never. */
  readonly when: "now" | "lazy" | "type";
}

const folders = ["core", "hooks", "plugins"] as const;
const sources: readonly Source[] = folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts")).map((path) => readSource(posix.join(folder, path))));
const byPath = new Map(sources.map((source) => [source.path, source]));

function readSource(path: string): Source {
  const code = readFileSync(join(root, path), "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
  return { path, code, imports: importsIn(code, path) };
}

function importsIn(code: string, path: string): readonly Import[] {
  const statement = /(?:^|\n)\s*(?:import|export)\b(?<type>\s+type\b)?[^;"'`]*?\bfrom\s+"(?<from>[^"]+)"/g;
  const bare = /(?:^|\n)import\s+"(?<from>[^"]+)"/g;
  const call = /\bimport\(\s*"(?<from>[^"]+)"\s*\)(?<type>\.[A-Z])?/g;
  return [statement, bare, call].flatMap((form) => [...code.matchAll(form)].map(({ groups }) => {
    const from = groups?.["from"] ?? "";
    const when = groups?.["type"] !== undefined ? "type" : form === call ? "lazy" : "now";
    return { from, when, ...(from.startsWith(".") && { file: posix.normalize(posix.join(dirname(path), from)) }) };
  }));
}

const inFolder = (folder: string) => sources.filter(({ path }) => path.startsWith(`${folder}/`));
const isPackage = (from: string): boolean => !from.startsWith(".") && !from.startsWith("node:");
const packageOf = (from: string): string => from.split("/").slice(0, from.startsWith("@") ? 2 : 1).join("/");

test("there are sources to read, and their import lines are read", () => {
  expect(inFolder("core").length).toBeGreaterThan(50);
  expect(byPath.get("hooks/tapable.ts")?.imports.map(({ from }) => from)).toContain("tapable");
  expect(importsIn('import {\n  a,\n} from "x";\nimport "y";\nconst b = await import("./z.ts");\ntype C = import("./c.ts").C;\nexport * from "./d.ts";\nimport type { E } from "./e.ts";', "core/a.ts")).toEqual([
    { from: "x", when: "now" }, { from: "./d.ts", when: "now", file: "core/d.ts" }, { from: "./e.ts", when: "type", file: "core/e.ts" }, { from: "y", when: "now" },
    { from: "./z.ts", when: "lazy", file: "core/z.ts" }, { from: "./c.ts", when: "type", file: "core/c.ts" },
  ]);
});

test("relative imports name a file of the tree, with its ending", () => {
  const wrong = sources.flatMap(({ path, imports }) => imports.filter(({ file }) => file !== undefined && !byPath.has(file)).map(({ from }) => `${path}: ${from}`));
  expect(wrong).toEqual([]);
});

test("no file imports itself over others, type imports included", () => {
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    state.set(path, "open");
    for (const { file } of byPath.get(path)?.imports ?? []) if (file !== undefined) visit(file, [...trail, path]);
    state.set(path, "done");
  };
  for (const { path } of sources) visit(path, []);
  expect(cycles).toEqual([]);
});

test("a plugin imports glowplug, node's own modules and its own folder, and loads packages lazily", () => {
  const wrong = inFolder("plugins").flatMap(({ path, imports }) => {
    const [, role = "", entry = ""] = path.split("/");
    const own = `plugins/${role}/${entry.replace(/\.ts$/, "")}`;
    return imports.filter(({ from, file, when }) => {
      if (file !== undefined) return !(file === `${own}.ts` || file.startsWith(`${own}/`));
      return isPackage(from) && from !== "glowplug" && when === "now";
    }).map(({ from }) => `${path}: ${from}`);
  });
  expect(wrong).toEqual([]);
});

test("core and hooks import no plugin, and nothing imports glowplug by its name but plugins", () => {
  const wrong = [...inFolder("core"), ...inFolder("hooks")].flatMap(({ path, imports }) =>
    imports.filter(({ from, file }) => file?.startsWith("plugins/") || packageOf(from) === "glowplug").map(({ from }) => `${path}: ${from}`));
  expect(wrong).toEqual([]);
});

test("hooks stand on leaves of core: files that reach no plugin contract and no verb, types included", () => {
  const wrong = inFolder("hooks").flatMap(({ path, imports }) => imports.filter(({ file }) => file?.startsWith("core/")).flatMap(({ file = "" }) =>
    [...reached(file, true)].filter((leaf) => /^core\/(plugin\.ts|roles\/|lifecycle\/|keeper\/|cli\/|spec)/.test(leaf)).map((leaf) => `${path}: ${leaf}`)));
  expect(wrong).toEqual([]);
});

/** The one place of each package, a file or a folder. yaml reads configs and prints answers. */
const homes: Readonly<Record<string, string | readonly string[]>> = {
  tapable: "hooks/tapable.ts", cosmiconfig: "core/config/find.ts", tsx: "core/config/run-script.ts", yaml: ["core/config/parse.ts", "core/cli/answer.ts"], esbuild: "core/bundle.ts",
  ssh2: "core/ssh", execa: "core/process.ts", undici: "core/http.ts", openpgp: "core/openpgp.ts", "xz-decompress": "core/unpack/modules.ts", fzstd: "core/unpack/modules.ts", "smol-toml": "core/toml/parse.ts",
};
test("each package has one home", () => {
  const wrong = [...inFolder("core"), ...inFolder("hooks")].flatMap(({ path, imports }) =>
    imports.filter(({ from }) => isPackage(from) && ![homes[packageOf(from)] ?? []].flat().some((home) => path.startsWith(home))).map(({ from }) => `${path}: ${from}`));
  expect(wrong).toEqual([]);
});

test("the keeper loads nothing that finds, runs or checks a user's script", () => {
  const packages = [...reached("core/keeper/main.ts")].flatMap((path) => (byPath.get(path)?.imports ?? []).filter(({ from, when }) => isPackage(from) && when === "now").map(({ from }) => packageOf(from)));
  expect([...new Set(packages)].filter((name) => name !== "ssh2" && name !== "execa")).toEqual([]);
  expect([...reached("core/keeper/main.ts")].filter((path) => /^core\/(config|resolve|cli\/)/.test(path))).toEqual([]);
});

test("the environment and node:os are read in core/host.ts alone", () => {
  const wrong = sources.filter(({ path, code, imports }) => path !== "core/host.ts" && (/\bprocess\.env\b/.test(code) || imports.some(({ from }) => from === "node:os")));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("no module of core and hooks keeps state; programs may", () => {
  const wrong = [...inFolder("core"), ...inFolder("hooks")].filter(({ path }) => !path.endsWith("/main.ts")).filter(({ code }) => /^(export\s+)?(let|var)\s/m.test(code) || /^(export\s+)?const \w+[^=\n]*= new (Map|Set|WeakMap|WeakSet)(<[^>]*>)?\(\)/m.test(code));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

/** Names of built-in plugins that are also words of the domain: what a guest speaks, runs, or is made of, and what hosts run. */
const words: readonly string[] = ["ignition", "cloud-init", "podman", "file", "proxy", "timezone", "debian", "ubuntu", "alpine", "swap", "playbook"];
test("core and hooks name no plugin outside the defaults", () => {
  const names = readdirSync(join(root, "plugins"), { recursive: true, encoding: "utf8" }).flatMap((path) => /^[^/]+\/([^/.]+)(\.ts|\/index\.ts)$/.exec(path)?.[1] ?? []).filter((name) => !words.includes(name));
  expect(names).toContain("qemu");
  const wrong = [...inFolder("core"), ...inFolder("hooks")].filter(({ path }) => path !== "core/spec/defaults.ts")
    .flatMap(({ path, code }) => names.filter((name) => code.includes(`"${name}"`) || code.includes(`'${name}'`)).map((name) => `${path}: ${name}`));
  expect(wrong).toEqual([]);
});

/** The files that a file loads at once, itself included; with types, those that it speaks of as well. */
function reached(from: string, withTypes = false, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(from)) return found;
  found.add(from);
  for (const { file, when } of byPath.get(from)?.imports ?? []) if (file !== undefined && (when === "now" || (withTypes && when === "type"))) reached(file, withTypes, found);
  return found;
}
