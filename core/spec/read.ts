import type { MachineSpec } from "../spec-types.ts";
import { specShape } from "./fields.ts";
import { throwMistakes, type LineOf, type Mistake } from "./mistakes.ts";

/** A value that was looked at: the spec, and what is wrong with it. */
export interface ReadSpec {
  /** The value as a spec. To be trusted only when `mistakes` is empty. */
  readonly spec: MachineSpec;
  readonly mistakes: readonly Mistake[];
}

/** Looks at every field of a value that a script, a config file or a flag gave. Pure; throws nothing. */
export function readSpec(value: unknown): ReadSpec {
  const mistakes: Mistake[] = [];
  specShape(value, "", (path, message) => mistakes.push({ path, message, ...(path === "name" && { code: "bad-name" as const }) }));
  return { spec: (mistakes.length === 0 ? value : {}) as MachineSpec, mistakes };
}

/** The same for callers that want a spec or an error: throws all mistakes at once. `where` names the file. */
export function checkSpec(value: unknown, where: string, lineOf?: LineOf): MachineSpec {
  const { spec, mistakes } = readSpec(value);
  throwMistakes(mistakes.map((mistake) => ({ ...mistake, where, line: lineOf?.(mistake.path) })));
  return spec;
}
