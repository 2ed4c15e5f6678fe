import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateFolder, syncFolder, writeFileDurably } from "./atomic.ts";
import { isObject, readObject } from "./json.ts";
import { removeMachineFiles } from "./machine-files.ts";
import type { Paths } from "./paths.ts";
import { isRecordName } from "./record-file.ts";
import type { MachineRecord } from "./record.ts";

/** What a killed init or rm leaves to whoever comes next: without a record its machine is no more, or never was, and all of this goes. */
export interface Unfinished {
  readonly version: 1;
  readonly verb: "init" | "rm";
  /** What was registered outside, or was about to be. */
  readonly undo: MachineRecord["undo"];
  /** Files of the machine that are to stay. */
  readonly keep: readonly string[];
}

/** Says what would be left if this process were killed from here on. The first file of a machine, and the last. */
export async function markUnfinished(paths: Paths, name: string, what: Omit<Unfinished, "version">): Promise<void> {
  const { data, unfinished } = paths.machine(name);
  makePrivateFolder(data);
  await writeFileDurably(unfinished, JSON.stringify({ version: 1, ...what } satisfies Unfinished));
}

/** Nothing is left to do. */
export function clearMark(paths: Paths, name: string): void {
  rmSync(paths.machine(name).unfinished, { force: true });
}

/** What was left of a machine; undefined where all is finished. */
export function readUnfinished(paths: Paths, name: string): Unfinished | undefined {
  try {
    const read = readObject(readFileSync(paths.machine(name).unfinished, "utf8"));
    return "object" in read && isUnfinished(read.object) ? read.object : undefined;
  } catch {
    return undefined; // none
  }
}

/** Names of machines that have no record, and of which something was left. */
export function unfinishedNames(paths: Paths): readonly string[] {
  const names = existsSync(paths.machines) ? readdirSync(paths.machines).filter(isRecordName) : [];
  return names.filter((name) => !existsSync(paths.machine(name).record) && readUnfinished(paths, name) !== undefined);
}

/** Takes the record away: from here on the machine is no more, whatever happens. The mark must be there. */
export async function removeRecord(paths: Paths, name: string): Promise<void> {
  const { record } = paths.machine(name);
  rmSync(record, { recursive: true, force: true }); // somebody may have put a folder in its place
  await syncFolder(dirname(record));
}

/** Removes the files of a machine without a record, the mark last. */
export function removeUnfinished(paths: Paths, name: string, keep: readonly string[]): void {
  removeMachineFiles(paths, name, [...keep, paths.machine(name).unfinished]);
  removeMachineFiles(paths, name, keep);
}

function isUnfinished(value: object): value is Unfinished {
  const { version, verb, undo, keep } = value as Partial<Record<keyof Unfinished, unknown>>;
  return version === 1 && (verb === "init" || verb === "rm") && Array.isArray(undo) && undo.every((one) => isObject(one) && (isObject(one["command"]) || isObject(one["connection"]))) && Array.isArray(keep);
}
