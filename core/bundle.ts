import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile, Plugin } from "esbuild";

/** The tree that this file stands in. */
const root = fileURLToPath(new URL("..", import.meta.url));

/** Parts of CommonJS packages ask for these, and a bundle that is a module has none of them. */
const banner = {
  js: [
    'import { createRequire as glowplugRequire } from "node:module";',
    'import { fileURLToPath as glowplugPath } from "node:url";',
    "const require = glowplugRequire(import.meta.url), __filename = glowplugPath(import.meta.url), __dirname = glowplugPath(new URL(\".\", import.meta.url));",
  ].join("\n"),
};

export interface BuildOptions {
  /** Default: `dist` in the tree. */
  readonly outdir?: string;
  /** Further modules: output names without their ending, and sources relative to the tree. Default: none. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * Makes `dist`, modules for plain Node: the public face and every plugin, which share their chunks, so that plugins and scripts use one copy of the core;
 * and three programs that are a file each, with a copy of their own. Most of what a short verb takes is Node opening modules, one after the other:
 * glowplug.js is what the light verbs need, cli.js every verb, keeper.js the keeper. Packages that are loaded late are files that all of them share.
 * Writes only when all went well. Returns the files, relative to the folder.
 */
export async function buildDist({ outdir = join(root, "dist"), extra = {} }: BuildOptions = {}): Promise<readonly string[]> {
  const { build } = await import("esbuild");
  const options = {
    absWorkingDir: root, outdir, write: false as const, metafile: true as const, bundle: true, format: "esm" as const, platform: "node" as const, target: "node20",
    // Names stay: they are in the traces that --log-level debug prints.
    minifyWhitespace: true, minifySyntax: true, legalComments: "none" as const, logLevel: "warning" as const,
    // openpgp is under the LGPL: who has glowplug can put another in its place. tsx and esbuild carry programs and workers of their own; typescript is asked for by a loader of cosmiconfig's that never runs.
    external: ["tsx", "esbuild", "openpgp", "typescript", "vitest"],
  };
  const plugins = [ownName, nativeParts, lazyNames];
  const shared = await build({ ...options, banner, splitting: true, plugins, entryPoints: { ...entries(), ...extra } });
  const late = lateFrom(shared.metafile, outdir);
  const { glowplug, ...others } = programs;
  const alone = await build({ ...options, banner, plugins: [late, ...plugins], entryPoints: others });
  const light = await build({ ...options, plugins: [late, ...plugins], entryPoints: { glowplug } }); // nothing of CommonJS in it
  const program = join(outdir, "glowplug.js");
  const outputFiles = [shared, alone, light].flatMap((one) => one.outputFiles);
  for (const { path, text } of outputFiles) {
    const whole = path === program ? `#!/usr/bin/env node\n${text}` : text;
    replaceFile(path, whole, whole.startsWith("#!") ? 0o755 : 0o644);
  }
  const made = outputFiles.map(({ path }) => relative(outdir, path));
  for (const old of filesIn(outdir)) if (!made.includes(old)) rmSync(join(outdir, old));
  return made.sort();
}

/** Programs: output names, without their ending, and the sources. */
const programs = { glowplug: "core/cli/main.ts", cli: "core/cli/full.ts", keeper: "core/keeper/main.ts" };

/**
 * What others import, in the same form. `ssh` is for `cp` alone, and too large for a program that seldom needs it. Tests of plugins run the fake programs, so
 * these are published as well.
 */
function entries(): Record<string, string> {
  const fakes = ["fake-qemu", "fake-gvproxy", "fake-qemu-img", "fake-virtiofsd"].map((name) => [name, `test/fixtures/bin/${name}.mjs`] as const);
  return {
    index: "core/index.ts", ssh: "core/ssh.ts", testing: "test/contracts/index.ts",
    ...Object.fromEntries([...fakes, ...pluginEntries()]),
  };
}

/** A role's folder holds a file a plugin, or a folder with an index. */
function pluginEntries(): (readonly [string, string])[] {
  const roles = readdirSync(join(root, "plugins"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return roles.flatMap((role) => readdirSync(join(root, "plugins", role.name), { withFileTypes: true }).flatMap((entry): (readonly [string, string])[] => {
    const path = `plugins/${role.name}/${entry.name}`;
    if (entry.isDirectory()) return existsSync(join(root, path, "index.ts")) ? [[path, `${path}/index.ts`]] : [];
    return path.endsWith(".ts") ? [[path.slice(0, -".ts".length), path]] : [];
  }));
}

/** Within the tree, "glowplug" is the tree itself. */
const ownName: Plugin = {
  name: "own-name",
  setup({ onResolve }) {
    onResolve({ filter: /^glowplug$/ }, () => ({ path: join(root, "core/index.ts") }));
    onResolve({ filter: /^glowplug\/testing$/ }, () => ({ path: join(root, "test/contracts/index.ts") }));
    onResolve({ filter: /^glowplug\/plugins\// }, ({ path }) => {
      const stem = join(root, path.slice("glowplug/".length));
      return { path: existsSync(`${stem}.ts`) ? `${stem}.ts` : join(stem, "index.ts") };
    });
  },
};

/** ssh2 has native parts that it does without when they cannot be loaded. Whether they were compiled depends on the machine, so none is taken. */
const nativeParts: Plugin = {
  name: "native-parts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /(^cpu-features$|\.node$)/ }, ({ path }) => ({ path, namespace: "native-part" }));
    onLoad({ filter: /^/, namespace: "native-part" }, ({ path }) => ({ contents: `throw new Error(${JSON.stringify(`${path} is not part of the bundle`)});`, loader: "js" }));
  },
};

/**
 * `await import()` of a CommonJS package gives its exports by name in Node, and only as `default` in a chunk of esbuild's. The names are asked of the
 * package itself, and exported by a module around it.
 */
const lazyNames: Plugin = {
  name: "lazy-names",
  setup({ onResolve, onLoad, resolve }) {
    const require = createRequire(import.meta.url);
    onResolve({ filter: /^[^.]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== "dynamic-import" || pluginData === lazyNames) return undefined;
      const found = await resolve(path, { kind, resolveDir, pluginData: lazyNames });
      return found.external || found.errors.length > 0 || found.namespace !== "file" || !isCommonJs(found.path) ? undefined : { path: relative(root, found.path), namespace: "lazy-names" };
    });
    onLoad({ filter: /^/, namespace: "lazy-names" }, ({ path: inTree }) => {
      const path = join(root, inTree); // the output mentions a module's path, and shall not depend on where the tree stands
      const names = Object.keys(require(path) as object).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default" && name !== "__esModule");
      return { contents: `const all = require(${JSON.stringify(path)});\nexport const { ${names.join(", ")} } = all;\nexport default all;\n`, resolveDir: dirname(path), loader: "js" };
    });
  },
};

/**
 * Keeps out of a program what it loads late: `import()` of a package, or of an entry or a program, goes to its own file. Other modules of the tree are too
 * small for that.
 */
function lateFrom({ outputs }: Metafile, outdir: string): Plugin {
  const files = new Map(Object.entries({ ...entries(), ...programs }).map(([name, source]) => [source, `./${name}.js`]));
  for (const [file, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined && !/^(core|hooks)\//.test(entryPoint)) files.set(entryPoint, `./${relative(outdir, join(root, file))}`);
  }
  return {
    name: "late",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (kind !== "dynamic-import" || pluginData !== undefined) return undefined; // with data: one of our own questions
        const found = await resolve(path, { kind, resolveDir, pluginData: "late" });
        const file = files.get(found.namespace === "file" ? relative(root, found.path) : `${found.namespace}:${found.path}`);
        return file === undefined ? undefined : { path: file, external: true };
      });
    },
  };
}

/** As Node tells: by the ending, else by the package's type. */
function isCommonJs(path: string): boolean {
  if (!path.endsWith(".js")) return path.endsWith(".cjs");
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly type?: string }).type !== "module";
  }
  return true;
}

/** A reader sees the old file or the new one. */
function replaceFile(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

/** Files beneath a folder, relative to it; declarations are another step's. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name))).filter((path) => !path.startsWith("types/"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = performance.now();
  const files = await buildDist();
  console.log(`dist: ${files.length} files in ${Math.round(performance.now() - began)} ms`);
}
