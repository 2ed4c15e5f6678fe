import { isDeepStrictEqual } from "node:util";
import type { CommandRecord } from "../command.ts";
import type { Share } from "../model.ts";
import type { ShareMount } from "../roles/launcher.ts";
import type { KeeperPlan } from "./plan.ts";

/** A helper that the plan has for a folder, and the tag that it serves. */
export interface HelperAtStart {
  readonly tag: string;
  readonly command: CommandRecord;
}

/** What serves a folder that a running VM is given: the helper that it had at the start under another tag, else that of the plan for any. */
export function helperCommand(plan: Pick<KeeperPlan, "mounts" | "helpers" | "hotShares">, mount: ShareMount): CommandRecord | undefined {
  const atStart = helperAtStart(plan, mount.share);
  if (atStart) return renamed(atStart.command, atStart.tag, mount.tag);
  const helper = mount.share.readOnly ? plan.hotShares?.readOnly : plan.hotShares?.writable;
  return helper && filled(helper, mount);
}

/** The helper that the plan has for this very folder. */
export function helperAtStart({ mounts, helpers }: Pick<KeeperPlan, "mounts" | "helpers">, share: Required<Share>): HelperAtStart | undefined {
  const tag = mounts.find((mount) => isDeepStrictEqual(mount.share, share))?.tag;
  const command = helpers.find(({ serves }) => serves !== undefined && serves === tag)?.command;
  return tag !== undefined && command ? { tag, command } : undefined;
}

/** The same command for another tag, by which its socket is named. */
function renamed({ argv, ...rest }: CommandRecord, from: string, to: string): CommandRecord {
  return { ...rest, argv: argv.map((word) => word.replaceAll(from, to)) };
}

/** A plan's part with the words for one share filled in, in every string in it. */
export function filled<T extends string | CommandRecord | object>(part: T, { share, tag, slot = "" }: ShareMount): T {
  const words: Readonly<Record<string, string>> = { tag, slot, target: share.target, source: share.source, listedSource: share.source.replaceAll(/[\\,]/g, "\\$&") };
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]));
    return value;
  };
  return fill(part) as T;
}
