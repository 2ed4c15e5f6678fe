import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ShareMount } from "../roles/launcher.ts";
import type { KeeperPlan } from "./plan.ts";

/** A folder that a VM has, as it stands in `shares.json`. */
export type NotedShare = ShareMount & {
  /** It was being plugged or unplugged. */
  readonly halfway?: true;
  /** A device with nothing behind it any more. */
  readonly lost?: true;
};

/** What the VM of a plan has; undefined where no folder came or went since its start. */
export function readShareNotes(plan: Pick<KeeperPlan, "folders">): readonly NotedShare[] | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(plan), "utf8")) as readonly NotedShare[];
  } catch {
    return undefined;
  }
}

/** Readers find the old list or the new one. */
export function writeShareNotes(plan: Pick<KeeperPlan, "folders">, noted: readonly NotedShare[]): void {
  const path = fileOf(plan);
  writeFileSync(`${path}.new`, JSON.stringify(noted), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** A VM that is started anew has those of its plan. */
export function forgetShares(plan: Pick<KeeperPlan, "folders">): void {
  rmSync(fileOf(plan), { force: true });
}

function fileOf({ folders }: Pick<KeeperPlan, "folders">): string {
  return join(folders.runtime, "shares.json");
}
