import type { MachineSpec } from "../spec-types.ts";
import { specShape } from "./fields.ts";
import { throwMistakes, topField, type LineOf, type Mistake } from "./mistakes.ts";

/** A value that was looked at: the spec, and what is wrong with it. */
export interface ReadSpec {
  /** The fields of the value that have no mistake. */
  readonly spec: MachineSpec;
  readonly mistakes: readonly Mistake[];
}

/** Looks at every field of a value that a script, a config file or a flag gave. Pure; throws nothing. */
export function readSpec(value: unknown): ReadSpec {
  const mistakes: Mistake[] = [];
  specShape(value, "", (path, message) => mistakes.push({ path, message, ...(path === "name" && { code: "bad-name" as const }) }));
  return { spec: soundFields(value, mistakes), mistakes };
}

function soundFields(value: unknown, mistakes: readonly Mistake[]): MachineSpec {
  const wrong = new Set(mistakes.map(({ path }) => topField(path)));
  return wrong.size === 0 ? (value as MachineSpec) : wrong.has("") ? {} : Object.fromEntries(Object.entries(value as object).filter(([field]) => !wrong.has(field)));
}

/** The same for callers that want a spec or an error: throws all mistakes at once. `where` names the file. */
export function checkSpec(value: unknown, where: string, lineOf?: LineOf): MachineSpec {
  const { spec, mistakes } = readSpec(value);
  throwMistakes(mistakes.map((mistake) => ({ ...mistake, where, line: lineOf?.(mistake.path) })));
  return spec;
}
