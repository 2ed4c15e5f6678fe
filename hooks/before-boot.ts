import type { SocketForward } from "../core/model.ts";
import type { NetPlan } from "../core/net-plan.ts";
import type { BootPlan } from "../core/vm-plan.ts";
import type { HookBase } from "./base.ts";

/**
 * Fires at every start: commands are planned, nothing is spawned. May change `boot`, `net` and `sockets`. A failure ends the start.
 * Fires once more when the start is repeated under another accelerator.
 */
export interface BeforeBootEvent extends HookBase {
  readonly boot: BootPlan;
  readonly net: NetPlan;
  /** Sockets that the keeper carries over ssh. Add, change or remove. */
  readonly sockets: SocketForward[];
}
