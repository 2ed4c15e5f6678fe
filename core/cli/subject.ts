import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { MachineError } from "../errors.ts";
import type { MachineHandle } from "../handle.ts";
import type { OpenWhat } from "../layers.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import type { Paths } from "../paths.ts";
import type { MachineSpec } from "../spec-types.ts";
import { listRecords, readRecord } from "../store.ts";
import { text } from "./flags.ts";
import { isNoPath, isScriptPath } from "./script-path.ts";
import type { Call, Subject } from "./verb.ts";

/** The machine that verbs mean when none is named. */
export const defaultName = "default";

/** Flags of the verbs that load a script. */
export const sourceFlags = {
  config: text("--config <file>", "Config file to use instead of the one found from here upwards"),
  script: text("--script <file>", "Script that describes the machine"),
} as const;

interface SourceValues {
  readonly config?: string | undefined;
  readonly script?: string | undefined;
}

/** What a verb adds to the machine that it is about. */
export interface Described {
  /** What its flags say. */
  readonly spec?: MachineSpec;
  /** The machine must not exist yet. Default: false. */
  readonly isNew?: boolean;
  /** What its flags say of whichever image it is. */
  readonly overImage?: OpenWhat["overImage"];
}

/** Which machine a verb that loads scripts is about: NAME, a script in NAME's place, flags, or the script that `run` has. */
function sourceOf({ words, subject, run }: Pick<Call, "words" | "subject" | "run">, flags: SourceValues, { spec, isNew, overImage }: Described = {}): OpenWhat {
  const word = words[0];
  const isScript = word !== undefined && isScriptPath(word);
  const script = (isScript ? word : undefined) ?? flags.script ?? flags.config ?? subject?.script;
  const name = isScript ? undefined : word;
  return {
    ...(name !== undefined && { name }), ...(script !== undefined && { script: resolve(run.cwd, script) }),
    ...(spec && Object.keys(spec).length > 0 && { flags: spec }), ...(isNew && { isNew }), ...(overImage && { overImage }),
  };
}

/** Opens the machine that a verb is about, and says which config describes it where that was not said on the command line. */
export async function openDescribed(call: Pick<Call, "words" | "subject" | "run">, flags: SourceValues, described?: Described): Promise<MachineHandle> {
  const { openMachine } = await import("../open.ts");
  const source = sourceOf(call, flags, described);
  const machine = await openMachine(source, call.run);
  const { script } = await machine.spec();
  if (script !== undefined && source.script === undefined) call.run.report.info(`${machine.name} is described by ${script}`);
  return machine;
}

/** The same for a verb whose machine must exist: a name without a machine is told before any script is run. */
export async function openExisting(call: Pick<Call, "words" | "subject" | "run">, flags: SourceValues): Promise<MachineHandle> {
  const { name, script } = sourceOf(call, flags);
  if (name !== undefined && script === undefined && !readRecord(call.run.paths, name)) throw noSuchMachine(name);
  return openDescribed(call, flags);
}

/**
 * The name of a machine that exists, for the verbs that never load a script: NAME, or the machine that was made by the script
 * in NAME's place. Throws MachineError "no-machine" for a script that made none.
 */
export async function nameOf({ words, subject, run }: Pick<Call, "words" | "subject" | "run">): Promise<string> {
  const [word] = words;
  if (word === undefined) return subject ? subjectName(subject, run.paths) : defaultName;
  if (!isScriptPath(word)) return word;
  if (isNoPath(word, run.cwd)) throw noSuchMachine(word);
  const name = madeBy(resolve(run.cwd, word), run.paths);
  if (name === undefined) throw new MachineError("no-machine", `no machine, or more than one, was made by ${word}`, { hint: "Name the machine: `glowplug list` shows them." });
  return name;
}

/** What a script's machine is called: as its record says, and only where there is none by loading the script. */
export async function subjectName(subject: Subject, paths: Paths): Promise<string> {
  return madeBy(subject.script, paths) ?? (await subject.name());
}

function madeBy(script: string, paths: Paths): string | undefined {
  const real = existsSync(script) ? realpathSync(script) : script;
  const [only, ...others] = listRecords(paths).records.filter(({ spec }) => spec.script === real);
  return others.length === 0 ? only?.name : undefined;
}
