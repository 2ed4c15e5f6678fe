import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenPorts } from "./ports.ts";
import type { KeeperStatus } from "./protocol.ts";

/** What a keeper that takes a machine over must know beyond the plan and the processes. There is none unless the machine is up. */
export interface UpFile {
  readonly ports: OpenPorts;
  /** The guest's host key, where the plan has none. */
  readonly hostKey?: string;
  readonly restarts?: KeeperStatus["restarts"];
  /** Somebody has asked for its end, in this way: whoever takes it over goes on with that. */
  readonly stopping?: { readonly force: boolean; readonly timeoutMs: number };
}

/** Readers find the old text or the new one. */
export function writeUp(folder: string, up: UpFile): void {
  const path = fileIn(folder);
  try {
    writeFileSync(`${path}.new`, JSON.stringify(up), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // The disk is full, or the folder is gone: a later keeper knows less, and this one goes on.
  }
}

/** Undefined where the machine is not up. */
export function readUp(folder: string): UpFile | undefined {
  try {
    const value = JSON.parse(readFileSync(fileIn(folder), "utf8")) as Partial<UpFile> | null;
    return Array.isArray(value?.ports?.open) && Array.isArray(value.ports.guests) ? (value as UpFile) : undefined;
  } catch {
    return undefined;
  }
}

/** The machine is up no more. */
export function clearUp(folder: string): void {
  try {
    rmSync(fileIn(folder), { force: true });
  } catch {
    // The disk is read-only: the machine goes down nevertheless, and one whose VM has ended is taken over by nobody.
  }
}

function fileIn(folder: string): string {
  return join(folder, "up.json");
}
