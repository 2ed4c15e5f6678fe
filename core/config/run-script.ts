import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

/** What a module exports. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Runs a module with tsx, hands its exports to `use`, and returns what that returns, all within the limit. Types are stripped, not checked.
 * Each call runs the module and what it imports anew. `specifier` is an address, or a package that is looked for from `folder`.
 * Throws MachineError: "not-found", "bad-script", "deadline".
 */
export async function runScript<T = Exports>(specifier: string, folder: string, options: ScriptOptions, use: (exports: Exports) => T | Promise<T> = (exports) => exports as T): Promise<T> {
  const path = specifier.startsWith("file:") ? fileURLToPath(specifier) : specifier;
  const { tsImport } = await import("tsx/esm/api");
  registerScriptHook(options.copy);
  // No tsconfig: one in the working folder would change what a script means, and a broken one would end the run.
  const settings = { parentURL: pathToFileURL(join(folder, "glowplug")).href, tsconfig: false } as const;
  try {
    return await underWatch(path, options, async () => use((await tsImport(specifier, settings)) as Exports));
  } catch (error) {
    const missing = missingModule(error);
    if (missing !== undefined && (missing === specifier || missing === path)) {
      throw new MachineError("not-found", `there is no ${specifier.startsWith("file:") ? `file ${shownPath(missing, options.cwd)}` : `package ${missing}`}`, { cause: error });
    }
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
