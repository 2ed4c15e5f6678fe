import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { MachineError } from "../errors.ts";
import { didYouMean } from "../suggest.ts";
import { doubtOf } from "../trust.ts";

/** Endings of a config, in the order in which they are tried. */
export const configEndings: readonly string[] = [".ts", ".mts", ".js", ".mjs", ".json", ".yaml", ".yml"];

export interface FindOptions {
  readonly cwd: string;
  /** A script, a config file or a folder that holds one, as the user named it. */
  readonly explicit?: string;
  /** Whether to look for one where none was named. Default: true. */
  readonly search?: boolean;
  /** Where the user's own config is: `paths.config`. */
  readonly userFolder: string;
  /** The user's id. */
  readonly uid: number;
}

/** Absolute real paths. */
export interface FoundConfigs {
  /** What describes the machine; undefined when nothing was named and nothing found. */
  readonly script?: string;
  /** The user's own defaults. */
  readonly user?: string;
}

/**
 * Finds the config: the one that was named; else the nearest of `glowplug.config.*` here and upwards, and `machine.*` here alone.
 * Beneath it lies `config.*` in the user's config folder. Reads no content. Throws "not-found" for a named one that is not there, and
 * "bad-config" for one that others may have put where it was found, or may have written.
 */
export async function findConfig({ cwd, explicit, search = true, userFolder, uid }: FindOptions): Promise<FoundConfigs> {
  const script = explicit === undefined ? (search ? await searchUpwards(cwd, uid) : undefined) : await findNamed(resolve(cwd, explicit), explicit);
  const user = await searchFolder(userFolder, ["config"]);
  const doubt = user === undefined ? undefined : doubtOf(user, uid);
  if (doubt !== undefined) throw new MachineError("bad-config", `${user} ${doubt}, so it is not used`, { hint: `It should be yours alone: chown ${uid} and chmod go-w, for the file and its folder.` });
  return { ...(script !== undefined && { script: realpathSync(script) }), ...(user !== undefined && { user: realpathSync(user) }) };
}

async function findNamed(path: string, asNamed: string): Promise<string> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    const inside = await searchFolder(path, ["glowplug.config", "machine"]);
    if (inside === undefined) throw new MachineError("not-found", `the folder ${asNamed} holds no glowplug.config.* and no machine.*`, { hint: "Name the script itself." });
    return inside;
  }
  if (!found) {
    const there = statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dirname(path)) : [];
    throw new MachineError("not-found", `there is no file ${asNamed}${didYouMean(basename(path), there.filter((name) => configEndings.includes(extname(name))))}`, {
      hint: "A name without a slash and an ending is a machine's; anything else is a script's.",
    });
  }
  if (!configEndings.includes(extname(path))) {
    throw new MachineError("bad-config", `${asNamed} is no script and no config: expected an ending of ${configEndings.join(" ")}, found ${extname(path) || "none"}`, { hint: "Rename the file." });
  }
  return path;
}

async function searchUpwards(cwd: string, uid: number): Promise<string | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = await searchFolder(folder, folder === resolve(cwd) ? ["glowplug.config", "machine"] : ["glowplug.config"]);
    if (found !== undefined) {
      checkTrust(found, uid);
      return found;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** A config that nobody named is run like a program, so nobody else may have put it there. */
function checkTrust(file: string, uid: number): void {
  const doubt = doubtOf(file, uid);
  if (doubt !== undefined) throw new MachineError("bad-config", `${file} ${doubt}, so it is not used unasked`, { hint: `Name it, if you trust it: --config ${file}` });
}

/**
 * cosmiconfig, held to looking: its loaders are replaced, since its own run scripts without their imports, and swallow a script's own ENOENT.
 * Its `cosmiconfig()` is passed by, because that runs `.config/config.js` and `.config/config.ts` of the working folder first.
 */
async function searchFolder(folder: string, stems: readonly string[]): Promise<string | undefined> {
  const { Explorer } = (await import("cosmiconfig/dist/Explorer.js")) as unknown as ExplorerModule;
  const explorer = new Explorer({
    moduleName: "glowplug", searchStrategy: "none", cache: false, ignoreEmptySearchPlaces: false, metaConfigFilePath: null,
    mergeImportArrays: false, mergeSearchPlaces: false, transform: (result: unknown) => result,
    searchPlaces: stems.flatMap((stem) => configEndings.map((ending) => `${stem}${ending}`)),
    loaders: Object.fromEntries(configEndings.map((ending) => [ending, () => ({})])),
  });
  const found = await explorer.search(folder);
  return found === null ? undefined : join(folder, basename(found.filepath));
}

/** cosmiconfig publishes no types for it. */
interface ExplorerModule {
  readonly Explorer: new (options: object) => { search(from: string): Promise<{ readonly filepath: string } | null> };
}
