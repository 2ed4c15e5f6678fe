import type { GuestShell, ResolvedPort } from "../core/model.ts";
import type { HookBase } from "./base.ts";

/** Fires at every start: ssh answers and the record is written. A failure is an error of `start`; the machine stays up. */
export interface AfterStartEvent extends HookBase {
  readonly ssh: GuestShell;
  readonly ports: readonly ResolvedPort[];
}
