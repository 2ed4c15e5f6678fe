import { existsSync, readdirSync } from "node:fs";
import { join, parse } from "node:path";
import { pathToFileURL } from "node:url";
import { MachineError, isMachineError, messageOf } from "./errors.ts";
import { hostPath } from "./host-path.ts";
import { checkPlugin, type Role } from "./plugin-check.ts";
import type { Plugin } from "./plugin.ts";
import type { RunningCopy } from "./running-copy.ts";
import { defaults } from "./spec/defaults.ts";
import type { NamedPlugin } from "./spec-types.ts";
import { didYouMean } from "./suggest.ts";

/** Turns a plugin's name into the plugin. `folder` is that of whoever named it: paths and packages are looked for from there. */
export type PluginResolver = (role: Role, wanted: string | NamedPlugin, folder: string) => Promise<Plugin>;

export interface ResolverOptions {
  readonly copy: RunningCopy;
  /** What `~/` means in a path. */
  readonly home: string;
  /** Runs a module of the user's, TypeScript included. `specifier` is an address or a package's name. Throws MachineError. */
  load(specifier: string, folder: string): Promise<unknown>;
}

type Options = Readonly<Record<string, unknown>>;
/** What a name turned out to mean. */
interface Meaning { readonly module: unknown; readonly options?: Options }

const moduleEnding = /\.[cm]?[jt]s$/;

/**
 * A resolver by role and folder convention: a built-in's name is its file's name in `plugins/ROLEs`, "./x.ts" is a file,
 * anything else a package. An image may also be a disk's path or address, or carry its stream, release and build: "NAME:STREAM@RELEASE:BUILD".
 */
export function createResolver({ copy, home, load }: ResolverOptions): PluginResolver {
  return async (role, wanted, folder) => {
    const [name, options] = typeof wanted === "string" ? [wanted] : wanted;
    const meaning = await findMeaning(role, name.trim(), folder);
    return makePlugin(meaning.module, options ?? meaning.options, name, role);
  };

  async function findMeaning(role: Role, name: string, folder: string): Promise<Meaning> {
    const module = await loadBuiltIn(role, name);
    if (module) return { module };
    const disk = role === "image" ? diskOf(name, folder) : undefined;
    if (disk) return loadDisk(disk);
    if (isPath(name)) return { module: await load(pathToFileURL(hostPath(name, folder, home)).href, folder) };
    const { plain, ...options } = role === "image" ? readVariant(name) : { plain: name };
    const base = plain === name ? undefined : await loadBuiltIn(role, plain);
    return base ? { module: base, options } : { module: await loadPackage(role, name, plain, folder) };
  }

  /** An address or a path of a disk, and the image that takes it. */
  function diskOf(name: string, folder: string): { readonly plugin: string; readonly options: Options } | undefined {
    const known = Object.entries(defaults.imagePrefixes).find(([prefix]) => name.startsWith(prefix));
    if (known) {
      const [prefix, plugin] = known;
      return { plugin, options: prefix.endsWith("//") ? { url: name } : { path: hostPath(name.slice(prefix.length), folder, home) } };
    }
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return { plugin: defaults.diskImage, options: { url: name } };
    return isPath(name) && !moduleEnding.test(name) ? { plugin: defaults.diskImage, options: { path: hostPath(name, folder, home) } } : undefined;
  }

  async function loadDisk({ plugin, options }: { readonly plugin: string; readonly options: Options }): Promise<Meaning> {
    const module = await loadBuiltIn("image", plugin);
    if (!module) throw unknownPlugin("image", plugin);
    return { module, options };
  }

  async function loadBuiltIn(role: Role, name: string): Promise<unknown> {
    const file = listBuiltIns(copy, role).get(name);
    return file === undefined ? undefined : import(pathToFileURL(file).href);
  }

  async function loadPackage(role: Role, name: string, plain: string, folder: string): Promise<unknown> {
    try {
      return await load(name, folder);
    } catch (error) {
      if (isMachineError(error) && error.code === "not-found") throw unknownPlugin(role, plain);
      throw error;
    }
  }

  function unknownPlugin(role: Role, name: string): MachineError {
    const names = [...listBuiltIns(copy, role).keys()];
    return new MachineError("not-found", `unknown ${role === "addon" ? "plugin" : role} ${JSON.stringify(name)}${didYouMean(name, names)}`, {
      hint: `Built in: ${names.join(", ") || "none"}. A path such as "./my-plugin.ts" and an installed package work as well.`,
    });
  }
}

/** The built-in plugins of a role: names, and the files that hold them. The folder is the list; there is no other. */
export function listBuiltIns(copy: Pick<RunningCopy, "plugins" | "ending">, role: Role): ReadonlyMap<string, string> {
  const folder = join(copy.plugins, `${role}s`);
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry): (readonly [string, string])[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const index = join(path, `index${copy.ending}`);
      return existsSync(index) ? [[entry.name, index]] : [];
    }
    const { name, ext } = parse(entry.name);
    return ext === copy.ending && !name.endsWith(".d") ? [[name, path]] : [];
  });
  return new Map(files.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Calls a module's factory and looks at what it made. A plugin that is exported ready-made is taken as it is. */
async function makePlugin(module: unknown, options: Options | undefined, name: string, role: Role): Promise<Plugin> {
  const made = await callFactory((module as { readonly default?: unknown }).default, options, name);
  const problems = checkPlugin(made, `plugin ${JSON.stringify(name)}`, role);
  const [first] = problems;
  if (first === undefined) return made as Plugin;
  throw new MachineError("bad-plugin", problems.length === 1 ? first : `plugin ${JSON.stringify(name)} has ${problems.length} mistakes`, {
    plugin: name, ...(problems.length > 1 && { details: problems }),
  });
}

async function callFactory(exported: unknown, options: Options | undefined, name: string): Promise<unknown> {
  if (exported === undefined) {
    throw new MachineError("bad-plugin", `plugin ${JSON.stringify(name)} has no default export`, { plugin: name, hint: "Export a factory: export default function myPlugin(options = {}) { ... }." });
  }
  if (typeof exported !== "function") {
    if (options) throw new MachineError("bad-plugin", `plugin ${JSON.stringify(name)} takes no options: it exports a ready-made plugin`, { plugin: name });
    return exported;
  }
  try {
    return await (exported as (options: Options) => unknown)(options ?? {});
  } catch (error) {
    if (isMachineError(error)) throw error;
    throw new MachineError("bad-plugin", `plugin ${JSON.stringify(name)} failed when it was made: ${messageOf(error)}`, { plugin: name, cause: error });
  }
}

/** "NAME[:STREAM][@RELEASE[:BUILD]]". What is written otherwise is a name as a whole. */
function readVariant(name: string): { readonly plain: string; readonly [option: string]: string } {
  const { plain = name, ...options } = /^(?<plain>[^:@]+)(?::(?<stream>[^:@]+))?(?:@(?<release>[^:@]+)(?::(?<build>[^:@]+))?)?$/.exec(name)?.groups ?? {};
  return { plain, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) };
}

function isPath(name: string): boolean {
  return /^(\.{0,2}\/|~\/|\.{1,2}$)/.test(name) || moduleEnding.test(name) || /\.(qcow2|raw|img|vmdk|vhdx)(\.(xz|gz|zst|bz2|zip))?$/.test(name);
}
