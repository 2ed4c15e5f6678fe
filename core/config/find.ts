import { readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { MachineError } from "../errors.ts";
import { didYouMean } from "../suggest.ts";

/** Endings of a config, in the order in which they are tried. */
export const configEndings: readonly string[] = [".ts", ".mts", ".js", ".mjs", ".json", ".yaml", ".yml"];

export interface FindOptions {
  readonly cwd: string;
  /** A script, a config file or a folder that holds one, as the user named it. */
  readonly explicit?: string;
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
 * "bad-config" for one that others may have put where it was found.
 */
export async function findConfig({ cwd, explicit, userFolder, uid }: FindOptions): Promise<FoundConfigs> {
  const script = explicit === undefined ? await searchUpwards(cwd, uid) : await findNamed(resolve(cwd, explicit), explicit);
  const user = await searchFolder(userFolder, ["config"]);
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
    const here = folder === resolve(cwd);
    const found = await searchFolder(folder, here ? ["glowplug.config", "machine"] : ["glowplug.config"]);
    if (found !== undefined) {
      checkTrust(found, here, uid);
      return found;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** A config found on the way up is run like a program, so nobody else may have put it there. */
function checkTrust(file: string, here: boolean, uid: number): void {
  const folder = dirname(file);
  const folderFacts = statSync(folder);
  const ours = ({ uid: owner }: Stats): boolean => owner === uid || owner === 0;
  const open = (folderFacts.mode & 0o002) !== 0;
  const doubt = here
    ? open && !ours(statSync(file)) && "lies in a folder that everybody may write to, and belongs to somebody else"
    : open ? "lies in a folder that everybody may write to" : !ours(folderFacts) && "lies in a folder of somebody else's";
  if (doubt) throw new MachineError("bad-config", `${file} ${doubt}, so it is not used unasked`, { hint: `Name it, if you trust it: --config ${file}` });
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
