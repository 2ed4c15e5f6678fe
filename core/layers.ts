import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { findConfig, loadScript, pickMachine, type DescribedMachine, type LoadedScript } from "./config.ts";
import { isMachineError, MachineError } from "./errors.ts";
import type { MachineRecord } from "./record.ts";
import type { Run } from "./run.ts";
import { checkName, commandLine, defaultName, nameProblem, type SpecLayer } from "./spec.ts";
import { isFixed } from "./spec/changes.ts";
import { environmentLayers } from "./spec/environment.ts";
import { machineTableLayers } from "./spec/machine-table.ts";
import type { MachineSpec } from "./spec-types.ts";
import { alreadyExists, readRecord } from "./store.ts";

/** Which machine, and what the caller adds to it. */
export interface OpenWhat {
  readonly name?: string;
  /** A script or config file by path; else the record's, else one is searched for. */
  readonly script?: string;
  /** The machine must not exist yet. Default: false. */
  readonly isNew?: boolean;
  /** Fields from the command line; they win. */
  readonly flags?: MachineSpec;
  /** What the command line says of whichever image it is: another way to take it, or undefined for none. */
  readonly overImage?: (image: MachineSpec["image"]) => MachineSpec["image"];
  /** A spec at hand, for programs that open their own machine. */
  readonly spec?: MachineSpec;
}

/** Everything that is said about one machine, and who it is. */
export interface Layers {
  readonly name: string;
  readonly script?: string;
  readonly layers: readonly SpecLayer[];
  /** What was said for this one command, in the environment and by flags. */
  readonly said: MachineSpec;
  readonly record?: MachineRecord;
}

/**
 * Gathers what is said about a machine: podman's settings, user config, script, overrides of the record, environment, flags; later wins.
 * A machine that exists keeps its script: from wherever a verb is called, the script that made it is loaded.
 * Throws MachineError "name-taken" when another script claims the name, and "already-exists" for a machine that was to be new.
 */
export async function gatherLayers(what: OpenWhat, run: Run): Promise<Layers> {
  if (what.name !== undefined) checkName(what.name);
  const known = what.name === undefined ? undefined : readRecord(run.paths, what.name);
  if (what.isNew && known) throw alreadyExists(known.name);
  const explicit = what.script ?? known?.spec.script;
  // A machine that was made without a script is not claimed by one that happens to lie here.
  const isBare = known !== undefined && explicit === undefined;
  const found = await findConfig({ cwd: run.cwd, ...(explicit !== undefined && { explicit }), search: !isBare && !what.spec, userFolder: run.paths.config, uid: run.host.uid })
    .catch((error: unknown) => { throw what.script === undefined && known && isMachineError(error) && error.code === "not-found" ? lostScript(known, error) : error; });
  const script = what.spec ? undefined : found.script;

  const podman = await machineTableLayers(run);
  const user = found.user === undefined ? undefined : await load(found.user, what, run);
  const project = script === undefined ? undefined : await load(script, what, run);
  const described = project && pickMachine(project.machines, what.name, project.where);
  const name = what.name ?? what.flags?.name ?? what.spec?.name ?? described?.name ?? defaultName(script);
  // A name that is none is told with whatever else is wrong in the script.
  const record = known ?? (nameProblem(name) === undefined ? readRecord(run.paths, name) : undefined);
  checkClaim(name, record, script);
  if (what.isNew && record) throw alreadyExists(name);

  const environment = environmentLayers(run);
  const beneathFlags: readonly SpecLayer[] = [
    ...(record ? chosenAtInit(record) : []),
    ...(project && script !== undefined && project.machines.length > 1 ? [{ source: "default" as const, spec: { network: networkOf(script) } }] : []),
    ...beneath(podman, record),
    ...(user ? [layerOf(user, pickMachine(user.machines, undefined, user.where), "user config")] : []),
    ...(project && described ? [layerOf(project, described, "config")] : []),
    ...(what.spec ? [{ source: "config" as const, spec: what.spec }] : []),
    ...(record ? [{ source: "set" as const, spec: record.overrides as MachineSpec, where: `set for ${name}` }] : []),
    ...beneath(environment, record),
  ];
  const image = what.overImage?.(what.flags?.image ?? beneathFlags.findLast(({ spec }) => spec.image !== undefined)?.spec.image);
  const flags = image === undefined ? what.flags : { ...what.flags, image };
  return {
    name, ...(script !== undefined && { script }), ...(record && { record }), said: Object.assign({}, ...environment.map(({ spec }) => spec), flags) as MachineSpec,
    layers: [...beneathFlags, ...(flags ? [{ source: "flag" as const, spec: flags, where: commandLine }] : [])],
  };
}

/** The machines of a script, or of the config that is found from here, by name. Undefined where there is no config, or it describes one that has no name. */
export async function describedNames(script: string | undefined, run: Run): Promise<{ readonly script: string; readonly where: string; readonly names: readonly string[] } | undefined> {
  const found = await findConfig({ cwd: run.cwd, ...(script !== undefined && { explicit: script }), userFolder: run.paths.config, uid: run.host.uid });
  if (found.script === undefined) return undefined;
  const { machines, where } = await load(found.script, {}, run);
  const names = machines.flatMap(({ name }) => name ?? []);
  return names.length === machines.length ? { script: found.script, where, names } : undefined;
}

/** The network of a script's own machines: named after the file, and told from that of another file of the same name. */
function networkOf(script: string): string {
  return `${defaultName(script)}-${createHash("sha256").update(script).digest("hex").slice(0, 8)}`;
}

/** What was chosen at init by what was there then changes only on request: the forwarder, and the launcher where podman's settings named it. */
function chosenAtInit({ spec: { forwarder, launcher, sources } }: MachineRecord): readonly SpecLayer[] {
  const source = sources["launcher"];
  return [{ source: "default", spec: { forwarder } }, ...(source === "containers.conf" || source === "environment" ? [{ source, spec: { launcher } }] : [])];
}

/** Settings of the host as a whole: what a machine was made of they only say where they said it then. */
function beneath(layers: readonly SpecLayer[], record: MachineRecord | undefined): readonly SpecLayer[] {
  if (!record) return layers;
  return layers.map((layer) => {
    const isSaid = (field: string): boolean => (!isFixed(field) && field !== "launcher") || record.spec.sources[field] === layer.source;
    return { ...layer, spec: Object.fromEntries(Object.entries(layer.spec).filter(([field]) => isSaid(field))) };
  });
}

function load(path: string, what: OpenWhat, run: Run): Promise<LoadedScript> {
  return loadScript(path, { host: run.host, cwd: run.cwd, ...(what.name !== undefined && { name: what.name }) });
}

function layerOf({ folder, where }: LoadedScript, { spec, lineOf }: DescribedMachine, source: SpecLayer["source"]): SpecLayer {
  return { source, spec, where, folder, ...(lineOf && { lineOf }) };
}

function checkClaim(name: string, record: MachineRecord | undefined, script: string | undefined): void {
  const owner = record?.spec.script;
  if (!record || script === undefined || owner === script) return;
  throw new MachineError("name-taken", `two scripts claim the name ${name}: ${owner === undefined ? "a machine made without a script has it" : `${owner} made the machine`}, and ${script} asks for it`, {
    hint: `Give one another \`name\`, or remove the machine with \`glowplug rm ${name}\`.`,
  });
}

function lostScript(record: MachineRecord, cause: unknown): MachineError {
  const script = record.spec.script ?? "";
  return new MachineError("not-found", `${record.name} was made by ${script}, which is not there any more`, {
    cause, hint: `Put it back into ${dirname(script)}, name its new place with --script, or remove the machine with \`glowplug rm ${record.name}\`.`,
  });
}
