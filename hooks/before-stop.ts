import type { GuestShell } from "../core/model.ts";
import type { HookBase } from "./base.ts";

/** Fires at every stop of a running machine, while ssh still answers. A failure is a warning; the stop goes on. Not with --force. */
export interface BeforeStopEvent extends HookBase {
  readonly ssh: GuestShell;
}
