import type { HookMethods, TapHooks } from "../hooks/index.ts";
import type { HostFacts, MachineInfo, Registration } from "./model.ts";

/** A plugin is a plain object: a name, and methods named after hooks. A machine script and each slot are plugins too. */
export interface Plugin extends HookMethods {
  /** Unique among the plugins of a machine. Appears in errors, plans and traces. */
  readonly name: string;
  /** The way to tapable's own stages and ordering; called once a verb, before any hook fires. */
  apply?(hooks: TapHooks): void;
  /** Commands for the world outside, run at the end of init and undone at rm without loading any script. */
  registrations?(machine: MachineInfo, host: HostFacts): readonly Registration[] | Promise<readonly Registration[]>;
}

/** Returns its argument, checked by the compiler. Not generic, so that a misspelt hook does not pass. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
