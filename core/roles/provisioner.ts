import type { GuestDraft } from "../guest.ts";
import type { FirstBoot, Seed, SeedKind } from "../model.ts";
import type { Plugin } from "../plugin.ts";

/** Turns the neutral guest draft into first-boot data. */
export interface Provisioner extends Plugin {
  readonly role: "provisioner";
  readonly firstBoot: FirstBoot;
  /** The kind that `render` returns. */
  readonly seed: SeedKind;
  /** Pure: the same draft gives the same bytes. Called once in init, after every `ignition` hook, and by `plan`. */
  render(guest: GuestDraft): Seed;
}
