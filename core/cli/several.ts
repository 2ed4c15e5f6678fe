import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { describedNames } from "../layers.ts";
import { listRecords } from "../store.ts";
import { didYouMean } from "../suggest.ts";
import { isNoPath, isScriptPath } from "./script-path.ts";
import type { Call, SeveralMachines, Verb } from "./verb.ts";

/** The machines of a script, by name. */
interface Described {
  readonly script: string;
  readonly where: string;
  readonly names: readonly string[];
}

/**
 * The call once for each machine of a config that describes several: all of them, or those that are named behind the script. Undefined where
 * the call is about one machine, or its config describes but one.
 */
export async function callsOf(call: Call, { loadsScript }: SeveralMachines): Promise<readonly Call[] | undefined> {
  const { words: [first, ...others], flags, subject, run } = call;
  if (first !== undefined && (!isScriptPath(first) || isNoPath(first, run.cwd))) return undefined;
  const said = (first ?? flags["script"] ?? flags["config"] ?? subject?.script) as string | undefined;
  const script = said === undefined ? undefined : resolve(run.cwd, said);
  const found = loadsScript(flags) ? await describedNames(script, run) : script === undefined ? undefined : madeBy(script, call);
  if (!found || (found.names.length < 2 && others.length === 0)) return undefined;
  const unknown = others.find((name) => !found.names.includes(name));
  if (unknown !== undefined) {
    throw new MachineError("not-found", `${found.where} describes no machine ${JSON.stringify(unknown)}${didYouMean(unknown, found.names)}`, { hint: `It describes ${found.names.join(", ") || "none"}.` });
  }
  const chosen = new Set(others.length > 0 ? others : found.names);
  return [...chosen].map((name) => ({ ...call, words: [name], subject: { script: found.script, name: async () => name } }));
}

/** For verbs that load no script: the machines that it made, by their records. */
function madeBy(path: string, { run }: Call): Described {
  const script = existsSync(path) ? realpathSync(path) : path;
  return { script, where: path, names: listRecords(run.paths).records.filter(({ spec }) => spec.script === script).map(({ name }) => name) };
}

/** Runs a verb on several machines. Each is tried, whatever becomes of the others; one error tells of all that failed. */
export async function runSeveral(verb: Verb, calls: readonly Call[], { way }: SeveralMachines): Promise<void> {
  const failed: { readonly name: string; readonly error: unknown }[] = [];
  const runOne = async (call: Call): Promise<void> => {
    try {
      await verb.run(call);
    } catch (error) {
      failed.push({ name: call.words[0] ?? "", error });
    }
  };
  if (way === "at once") await Promise.all(calls.map(runOne));
  else for (const call of way === "in order" ? calls : [...calls].reverse()) if (!call.run.signal.aborted) await runOne(call);
  const [first] = failed;
  if (!first) return;
  if (failed.length === 1) throw first.error;
  throw new MachineError(isMachineError(first.error) ? first.error.code : "internal", `${failed.length} of ${calls.length} machines failed: ${failed.map(({ name }) => name).join(", ")}`, {
    details: failed.map(({ name, error }) => `${name}: ${messageOf(error)}`), cause: first.error, ...(isMachineError(first.error) && first.error.hint !== undefined && { hint: first.error.hint }),
  });
}
