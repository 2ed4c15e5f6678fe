import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VmEnd } from "./ending.ts";

/** The end of a machine that nobody asked for, as it stands in its folder until the next start. */
export interface Ended extends VmEnd {
  /** ISO 8601. */
  readonly at: string;
}

export function writeEnded(folder: string, ended: Ended): void {
  try {
    writeFileSync(fileIn(folder), JSON.stringify(ended), { mode: 0o600 });
  } catch {
    // The machine was removed meanwhile, or the disk is full: it ends all the same.
  }
}

/** How the machine came to its last end; undefined where that was asked for. */
export function readEnded(folder: string): Ended | undefined {
  try {
    const value = JSON.parse(readFileSync(fileIn(folder), "utf8")) as Partial<Ended> | null;
    return typeof value?.at === "string" && typeof value.reason === "string" && typeof value.failed === "boolean" ? (value as Ended) : undefined;
  } catch {
    return undefined;
  }
}

export function clearEnded(folder: string): void {
  rmSync(fileIn(folder), { force: true });
}

function fileIn(folder: string): string {
  return join(folder, "ended.json");
}
