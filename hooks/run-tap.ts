import { MachineError, isMachineError, messageOf } from "../core/errors.ts";
import type { HookName } from "./events.ts";

/** tapable's three ways to put a function on a hook. */
export type TapKind = "sync" | "async" | "promise";
export type AnyTap = (event: never, done: (error?: Error | null) => void) => unknown;

/** One shape for the three kinds of taps: a call that ends when the tap has ended. */
export function promiseOf(type: TapKind, fn: AnyTap): (event: never) => Promise<void> {
  if (type !== "async") {
    return async (event) => {
      await fn(event, () => undefined);
    };
  }
  return (event) => new Promise((resolve, reject) => {
    const result = fn(event, (error) => (error ? reject(error) : resolve()));
    if (result instanceof Promise) result.catch(reject);
  });
}

/** What ends a tap from outside. */
export interface Limits {
  readonly hook: HookName;
  readonly plugin: string;
  readonly interrupt: AbortSignal;
  /** Aborts the plugin's own signal at the deadline. */
  readonly own: AbortController;
  readonly deadlineMs: number;
}

/** Starts a tap and waits for it, for its deadline and for an interrupt, whichever comes first. Leaves no timer behind. */
export async function withinLimits(start: () => Promise<void>, { hook, plugin, interrupt, own, deadlineMs }: Limits): Promise<void> {
  const interruption = (): MachineError => new MachineError("interrupted", `interrupted while plugin ${plugin} was in hook ${hook}`, { plugin, stage: hook, cause: interrupt.reason });
  if (interrupt.aborted) throw interruption();
  let release = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (error: MachineError): void => {
      reject(error); // before the abort, which makes the tap itself fail
      own.abort(error);
    };
    const interrupted = (): void => end(interruption());
    const timer = setTimeout(() => end(deadlineError(plugin, hook, deadlineMs)), deadlineMs);
    interrupt.addEventListener("abort", interrupted, { once: true });
    release = () => {
      clearTimeout(timer);
      interrupt.removeEventListener("abort", interrupted);
    };
  });
  try {
    await Promise.race([start(), ended]);
  } catch (error) {
    throw interrupt.aborted ? interruption() : error; // the tap may have failed by the abort before our own listener was called
  } finally {
    release();
  }
}

function deadlineError(plugin: string, hook: HookName, deadlineMs: number): MachineError {
  return new MachineError("deadline", `plugin ${plugin} did not return from hook ${hook} within ${deadlineMs / 1000} s`, {
    plugin, stage: hook, hint: "A promise in it never settles. Heed event.signal, and give each wait a limit.",
  });
}

/** Names the plugin and the hook in a failure; a hint and details of its cause stay. */
export function blame(error: unknown, plugin: string, stage: HookName | "apply"): MachineError {
  if (isMachineError(error) && (error.code === "deadline" || error.code === "interrupted") && error.plugin === plugin && error.stage === stage) return error;
  const from = isMachineError(error) ? error : undefined;
  return new MachineError("hook-failed", `plugin ${plugin} failed in ${stage === "apply" ? "apply" : `hook ${stage}`}: ${messageOf(error)}`, {
    plugin, stage, cause: error, ...(from?.hint !== undefined && { hint: from.hint }), ...(from?.details && { details: from.details }),
  });
}
