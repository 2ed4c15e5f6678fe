import { dirname, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { machinesIn, type DescribedMachine } from "./config/machines.ts";
import { parseConfig } from "./config/parse.ts";
import { runScript, type ScriptOptions } from "./config/run-script.ts";
import { shownPath } from "./config/script-error.ts";
import { MachineError } from "./errors.ts";
import type { HostFacts } from "./model.ts";
import { findRunningCopy } from "./running-copy.ts";
import { createResolver, type PluginResolver } from "./resolve.ts";
import type { SpecLayer } from "./spec.ts";
import type { ValueSource } from "./spec-types.ts";

export { configEndings, findConfig, type FindOptions, type FoundConfigs } from "./config/find.ts";
export { pickMachine, type DescribedMachine } from "./config/machines.ts";

/** What a script's exported function is told. */
export interface ScriptFacts {
  readonly host: HostFacts;
  /** The machine that the command line names. */
  readonly name?: string;
}
export interface LoadOptions extends ScriptFacts {
  readonly cwd: string;
  /** How long the script's code may run, in milliseconds. Infinity: no limit. Default: 60 s. */
  readonly deadlineMs?: number;
}

/** A script or config file that has been read. */
export interface LoadedScript {
  readonly path: string;
  /** What its relative paths are relative to. */
  readonly folder: string;
  /** The path as messages show it. */
  readonly where: string;
  /** At least one, unless `optional` was asked for. */
  readonly machines: readonly DescribedMachine[];
}

/**
 * Runs a script or reads a config file, and lists the machines that it describes. Throws MachineError: "bad-script" with file, line and code
 * where the script fails, "deadline" where it does not end, "bad-config" where it exports no machine.
 */
export async function loadScript(path: string, options: LoadOptions & { /** Accept a script that exports nothing. Default: false. */ readonly optional?: boolean }): Promise<LoadedScript> {
  const where = shownPath(path, options.cwd);
  const script = { path, folder: dirname(path), where };
  const scripted = /^\.m?[jt]s$/.test(extname(path));
  const { value, lineOf } = scripted ? { value: await exportOf(path, options), lineOf: undefined } : await parseConfig(path, where);
  if (value === undefined || value === null) {
    if (options.optional) return { ...script, machines: [] };
    throw new MachineError("bad-config", `${where} ${scripted ? "has no default export" : "is empty"}`, {
      hint: scripted ? 'Export a machine: export default defineMachine({ ... }).' : "Write at least one field, such as `cpus: 2`.",
    });
  }
  return { ...script, machines: machinesIn(value, where, lineOf) };
}

/** A described machine as a layer for `resolveSpec`. */
export function specLayer(source: ValueSource, { folder, where }: LoadedScript, { spec, lineOf }: DescribedMachine): SpecLayer {
  return { source, spec, where, folder, ...(lineOf && { lineOf }) };
}

/** The resolver of this copy: built-ins from its own folder, everything else from the user's. */
export function pluginResolver({ host, cwd, deadlineMs }: LoadOptions): PluginResolver {
  const options = scriptOptions(cwd, deadlineMs);
  return createResolver({ copy: options.copy, home: host.home, load: (specifier, folder) => runScript(specifier, folder, options) });
}

/** The default export; a function is called. */
function exportOf(path: string, { host, name, cwd, deadlineMs }: LoadOptions): Promise<unknown> {
  const facts: ScriptFacts = { host, ...(name !== undefined && { name }) };
  return runScript(pathToFileURL(path).href, dirname(path), scriptOptions(cwd, deadlineMs), ({ default: exported }) =>
    typeof exported === "function" ? (exported as (facts: ScriptFacts) => unknown)(facts) : exported);
}

function scriptOptions(cwd: string, deadlineMs: number | undefined): ScriptOptions {
  return { copy: findRunningCopy(import.meta.url), cwd, ...(deadlineMs !== undefined && { deadlineMs }) };
}
