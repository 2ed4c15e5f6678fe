import { readConfs, type ConfFile } from "../containers-conf.ts";
import { describe } from "../describe.ts";
import { isObject } from "../json.ts";
import type { Run } from "../run.ts";
import type { MachineSpec } from "../spec-types.ts";
import { parseToml } from "../toml/parse.ts";
import { statementsOf } from "../toml/statements.ts";
import type { SpecLayer } from "./merge.ts";
import { throwMistakes, topField, type LocatedMistake } from "./mistakes.ts";
import { launcherOfProvider } from "./provider.ts";
import { imageOf, volumeOf } from "./words.ts";

type Its = Pick<Run, "cwd" | "host" | "env" | "paths" | "report">;

/**
 * What podman's containers.conf says of machines in its [machine] table, a layer a file: defaults beneath the user's own config.
 * CONTAINERS_MACHINE_PROVIDER takes the place of its provider. Throws MachineError "bad-config" and "bad-spec" with file and line.
 */
export async function machineTableLayers(run: Its): Promise<readonly SpecLayer[]> {
  const layers: SpecLayer[] = [];
  let volumes: readonly string[] = [];
  for (const file of readConfs(run.paths.podman)) {
    const table = await readTable(file);
    volumes = table["volumes"] === undefined ? volumes : listedIn(table["volumes"], volumes);
    const spec = specOf(table, volumes, file, run);
    if (Object.keys(spec).length > 0) layers.push({ source: "containers.conf", spec, where: file.path, folder: run.cwd, lineOf: (path) => lineOf(keyOf(topField(path)), file) });
  }
  const provider = "CONTAINERS_MACHINE_PROVIDER";
  const launcher = launcherOfProvider(run.env[provider] ?? "", provider);
  return launcher === undefined ? layers : [...layers, { source: "environment", spec: { launcher }, where: provider }];
}

/** What a key of the table may hold, in words, and the field of a spec that it becomes. */
const keys: Readonly<Record<string, { readonly field: keyof MachineSpec; readonly expected: string; test(value: unknown): boolean }>> = {
  cpus: { field: "cpus", expected: "a whole number", test: isCount },
  memory: { field: "memory", expected: "a whole number of MiB", test: isCount },
  disk_size: { field: "disk", expected: "a whole number of GiB", test: isCount },
  image: { field: "image", expected: "a string", test: isText },
  user: { field: "user", expected: "a string", test: isText },
  volumes: { field: "volumes", expected: "a list of strings", test: (value) => Array.isArray(value) && value.every((one) => isText(one) || isObject(one)) },
  provider: { field: "launcher", expected: "a string", test: isText },
  import_native_ca: { field: "importNativeCa", expected: "true or false", test: (value) => typeof value === "boolean" },
};

async function readTable(file: ConfFile): Promise<Readonly<Record<string, unknown>>> {
  const { machine = {} } = await parseToml(file.text, file.path);
  if (!isObject(machine)) throwMistakes([mistake("machine", `expected a table, found ${describe(machine)}`, file)]);
  const table = machine as Readonly<Record<string, unknown>>;
  throwMistakes(Object.entries(keys).flatMap(([key, { expected, test }]) => {
    const value = table[key];
    return value === undefined || test(value) ? [] : [mistake(`machine.${key}`, `expected ${expected}, found ${describe(value)}`, file)];
  }));
  return table;
}

/** Zero and empty words are podman's way to leave a setting to the default. */
function specOf(table: Readonly<Record<string, unknown>>, volumes: readonly string[], { path, text }: ConfFile, run: Its): MachineSpec {
  const count = (key: string): number | undefined => (Number(table[key] ?? 0) > 0 ? Number(table[key]) : undefined);
  const word = (key: string): string | undefined => (isText(table[key]) && table[key] !== "" ? table[key] : undefined);
  const [cpus, memory, disk, image, user, provider] = [count("cpus"), count("memory"), count("disk_size"), word("image"), word("user"), word("provider")];
  const launcher = provider === undefined || run.env["CONTAINERS_MACHINE_PROVIDER"] ? undefined : launcherOfProvider(provider, `${path}:${lineOf("provider", { path, text })}`);
  return {
    ...(cpus !== undefined && { cpus }), ...(memory !== undefined && { memory: `${memory}MiB` as const }), ...(disk !== undefined && { disk: `${disk}GiB` as const }),
    ...(image !== undefined && { image: imageOf(image, run) }), ...(user !== undefined && { user }), ...(launcher !== undefined && { launcher }),
    ...(table["volumes"] !== undefined && { volumes: volumes.filter((one) => one !== "").map((one) => volumeOf(one, run)) }),
    ...(table["import_native_ca"] !== undefined && { importNativeCa: table["import_native_ca"] === true }),
  };
}

/** A list of containers.conf: {append=true} in it adds it to those of earlier files, else it takes their place. */
function listedIn(value: unknown, before: readonly string[]): readonly string[] {
  const entries = value as readonly unknown[];
  const appends = entries.some((one) => isObject(one) && one["append"] === true);
  return [...(appends ? before : []), ...entries.filter(isText)];
}

function keyOf(field: string): string {
  return Object.entries(keys).find(([, one]) => one.field === field)?.[0] ?? field;
}

function lineOf(key: string, { text }: ConfFile): number | undefined {
  return statementsOf(text).findLast(({ path }) => path[0] === "machine" && (key === "" || path[1] === key))?.line;
}

function mistake(path: string, message: string, file: ConfFile): LocatedMistake {
  const line = lineOf(path.split(".")[1] ?? "", file);
  return { path, message, code: "bad-config", where: file.path, ...(line !== undefined && { line }) };
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
