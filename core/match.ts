import { MachineError } from "./errors.ts";
import type { DiskFormat, LinkKind, SeedKind } from "./model.ts";
import type { LocatedImage } from "./located-image.ts";
import type { ResolvedSpec } from "./spec-types.ts";

export type Slots = Pick<ResolvedSpec, "image" | "provisioner" | "launcher" | "forwarder">;

/** What the four slots agreed on. */
export interface SlotMatch {
  readonly link: LinkKind;
  readonly seed: SeedKind;
  /** Format of the base disk: the image's own where the launcher boots it, else the one it is converted to. */
  readonly format: DiskFormat;
}

/**
 * Intersects what the slots declare, before anything runs. The slots never meet, and no name is looked at.
 * Throws MachineError "slots-mismatch" that names both plugins and both lists; several mismatches are told at once.
 */
export function matchSlots({ image, provisioner, launcher, forwarder }: Slots, located?: LocatedImage): SlotMatch {
  const problems: string[] = [];
  if (image.firstBoot !== provisioner.firstBoot) {
    problems.push(`image ${image.name} wants ${image.firstBoot} at first boot, and provisioner ${provisioner.name} writes ${provisioner.firstBoot}`);
  }
  if (!launcher.seeds.includes(provisioner.seed)) {
    problems.push(`provisioner ${provisioner.name} makes a seed of kind ${provisioner.seed}, and launcher ${launcher.name} takes ${list(launcher.seeds)}`);
  }
  const link = launcher.links.find((kind) => forwarder.links.includes(kind));
  if (link === undefined) {
    problems.push(`launcher ${launcher.name} takes network links of kind ${list(launcher.links)}, and forwarder ${forwarder.name} offers ${list(forwarder.links)}`);
  }
  const own = located?.format;
  const format = launcher.formats.find((candidate) => candidate === own) ?? launcher.formats[0];
  if (format === undefined) problems.push(`launcher ${launcher.name} declares no disk format`);
  const [first] = problems;
  if (first !== undefined || link === undefined || format === undefined) {
    throw new MachineError("slots-mismatch", problems.length === 1 && first !== undefined ? first : "the four slots do not match", {
      hint: "Choose another plugin for one of the two slots.", ...(problems.length > 1 && { details: problems }),
    });
  }
  return { link, seed: provisioner.seed, format };
}

function list(kinds: readonly string[]): string {
  return kinds.length === 0 ? "none" : kinds.join(", ");
}
