import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { MachineError } from "../errors.ts";
import type { RunningCopy } from "../running-copy.ts";
import { missingModule, scriptError, shownPath } from "./script-error.ts";
import { registerScriptHook } from "./script-hook.ts";
import { watched } from "./watchdog.ts";

export interface ScriptOptions {
  readonly copy: RunningCopy;
  /** For showing paths. */
  readonly cwd: string;
  /** How long the script's code may run, in milliseconds. Infinity: no limit. Default: 60 s. */
  readonly deadlineMs?: number;
}

/**
 * Runs a module with tsx and returns what it exports. Types are stripped, not checked. Each call runs the module and what it imports anew.
 * `specifier` is an address or a package that is looked for from `folder`. Throws MachineError: "not-found", "bad-script", "deadline".
 */
export async function runScript(specifier: string, folder: string, options: ScriptOptions): Promise<Readonly<Record<string, unknown>>> {
  const path = specifier.startsWith("file:") ? new URL(specifier).pathname : specifier;
  const { tsImport } = await import("tsx/esm/api");
  registerScriptHook(options.copy);
  try {
    // No tsconfig: one in the working folder would change what a script means, and a broken one would end the run.
    return await underWatch(path, options, async () => (await tsImport(specifier, { parentURL: pathToFileURL(join(folder, "glowplug")).href, tsconfig: false })) as Readonly<Record<string, unknown>>);
  } catch (error) {
    const missing = missingModule(error);
    if (missing !== undefined && (missing === specifier || missing === decodeURIComponent(path))) {
      throw new MachineError("not-found", `there is no ${specifier.startsWith("file:") ? `file ${shownPath(missing, options.cwd)}` : `package ${missing}`}`, { cause: error });
    }
    throw isOurs(error) ? error : scriptError(error, path, options.cwd);
  }
}

/** Calls a function that a script exports, under the same limit. */
export async function callScript<T>(path: string, call: () => T | Promise<T>, options: ScriptOptions): Promise<T> {
  try {
    return await underWatch(path, options, async () => call());
  } catch (error) {
    throw isOurs(error) ? error : scriptError(error, path, options.cwd);
  }
}

const ours = Symbol("thrown by the watch");

function isOurs(error: unknown): boolean {
  return typeof error === "object" && error !== null && ours in error;
}

function underWatch<T>(path: string, { cwd, deadlineMs = 60_000 }: ScriptOptions, work: () => Promise<T>): Promise<T> {
  const shown = shownPath(path, cwd);
  const watchError = (message: string, hint: string): MachineError => Object.assign(new MachineError("deadline", message, { hint, stage: "script" }), { [ours]: true });
  return watched(work, {
    deadlineMs,
    overdue: () => watchError(`${shown} did not end within ${deadlineMs / 1000} s`, "A loop or a wait in its top-level code has no end."),
    stuck: () => watchError(`${shown} waits for something that never comes`, "A promise in its top-level code never settles."),
  });
}
