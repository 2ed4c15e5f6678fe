import { describe } from "../describe.ts";
import { MachineError } from "../errors.ts";
import { specFieldNames, type LineOf } from "../spec.ts";
import type { MachineSpec } from "../spec-types.ts";
import { didYouMean } from "../suggest.ts";

/** One machine that a script or config file describes. Not yet checked: `resolveSpec` does. */
export interface DescribedMachine {
  /** Its key in a record of machines, else the spec's own name; undefined where neither is there. */
  readonly name?: string;
  readonly spec: MachineSpec;
  readonly lineOf?: LineOf;
}

/** Tells the forms of a default export apart: a spec, an array of specs, a record of specs by name. Throws "bad-config". */
export function machinesIn(value: unknown, where: string, lineOf?: LineOf): readonly DescribedMachine[] {
  const found = listMachines(value, where, lineOf);
  const names = found.map(({ name }) => name);
  const twice = names.find((name, index) => name !== undefined && names.indexOf(name) !== index);
  if (twice !== undefined) throw new MachineError("bad-config", `${where}: two machines are named ${JSON.stringify(twice)}`, { hint: "Give one of them another name." });
  if (found.length > 1 && names.includes(undefined)) {
    throw new MachineError("bad-config", `${where}: machine [${names.indexOf(undefined)}] has no name`, { hint: "Give each of several machines a `name`, or export a record of them by name." });
  }
  return found;
}

/** The one that is meant. Without a name there must be only one. Throws "not-found" or "usage", with the names there are. */
export function pickMachine(machines: readonly DescribedMachine[], name: string | undefined, where: string): DescribedMachine {
  const [only] = machines;
  const names = machines.flatMap((machine) => machine.name ?? []);
  if (only && machines.length === 1 && (name === undefined || only.name === undefined || only.name === name)) return only;
  if (name === undefined) throw new MachineError("usage", `${where} describes ${machines.length} machines: ${names.join(", ")}`, { hint: "Name one of them." });
  const named = machines.find((machine) => machine.name === name);
  if (named) return named;
  throw new MachineError("not-found", `${where} describes no machine ${JSON.stringify(name)}${didYouMean(name, names)}`, { hint: `It describes ${names.join(", ") || "none"}.` });
}

function listMachines(value: unknown, where: string, lineOf: LineOf | undefined): readonly DescribedMachine[] {
  if (Array.isArray(value)) {
    if (value.length === 0) throw new MachineError("bad-config", `${where}: expected a machine's spec, found an empty list`);
    // From: a list with holes has them filled, and each is told.
    return Array.from(value, (spec: unknown, index) => oneMachine(spec, `${where} [${index}]`, undefined, lineOf && ((path) => lineOf(`[${index}]${path === "" ? "" : `.${path}`}`))));
  }
  if (isRecordOfMachines(value)) {
    return Object.entries(value).map(([name, spec]) => oneMachine(spec, `${where} ${name}`, name, lineOf && ((path) => lineOf([name, path].filter((part) => part !== "").join(".")))));
  }
  return [oneMachine(value, where, undefined, lineOf)];
}

function oneMachine(value: unknown, where: string, key: string | undefined, lineOf: LineOf | undefined): DescribedMachine {
  if (!isPlain(value)) throw new MachineError("bad-config", `${where}: expected a machine's spec, found ${describe(value)}`, { hint: "Export an object: export default defineMachine({ ... })." });
  const own = typeof value["name"] === "string" ? value["name"] : undefined;
  const name = key ?? own;
  const spec = key !== undefined && own === undefined ? { ...value, name: key } : value;
  return { ...(name !== undefined && { name }), spec: spec as MachineSpec, ...(lineOf && { lineOf }) };
}

/** Every value is an object, none of them a plugin, and no key is a field of a spec. `{}` is a spec of defaults. */
function isRecordOfMachines(value: unknown): value is Readonly<Record<string, object>> {
  if (!isPlain(value)) return false;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([key, entry]) => !specFieldNames.includes(key) && isPlain(entry) && !("role" in entry));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
