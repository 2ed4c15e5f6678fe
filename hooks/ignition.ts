import type { GuestDraft } from "../core/guest.ts";
import type { HookBase } from "./base.ts";

/** Fires in init, whatever the first-boot format: the config is about to be rendered. May change `guest`. A failure unwinds init. */
export interface IgnitionEvent extends HookBase {
  readonly guest: GuestDraft;
}
