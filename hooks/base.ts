import type { HostFacts, MachineInfo } from "../core/model.ts";

/** What every event carries. */
export interface HookBase {
  readonly machine: MachineInfo;
  readonly host: HostFacts;
  /** Aborts when the verb is interrupted or the hook's deadline passes. */
  readonly signal: AbortSignal;
  /** Prints a line of progress under the plugin's name. */
  log(message: string): void;
}
