import { readdirSync, rmSync, rmdirSync } from "node:fs";
import { join, relative } from "node:path";
import { MachineError, messageOf } from "../errors.ts";
import { imageUse, pruneImages } from "../image-use.ts";
import { listImages } from "../image-store.ts";
import type { Run } from "../run.ts";
import { listRecords } from "../store.ts";
import { unfinishedNames } from "../unfinished.ts";
import { remove } from "./remove.ts";

/** A machine that a reset takes away. */
export interface Doomed {
  readonly name: string;
  /** Its launcher; empty where its record cannot be read. */
  readonly launcher: string;
}

/** Every machine there is, also one whose record cannot be read. What killed verbs left goes with a reset as well, and is no machine. */
export function doomedMachines({ paths }: Pick<Run, "paths">): readonly Doomed[] {
  const { records, damaged } = listRecords(paths);
  return [...records.map(({ name, spec: { launcher } }) => ({ name, launcher })), ...damaged.map(({ name }) => ({ name, launcher: "" }))].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/**
 * Takes away every machine, running or not, and with them images, caches and all that glowplug keeps for machines. What stays: the user's
 * own config, programs that set-up unpacked, and a store that GLOWPLUG_STORE names, since others may share it. A machine that
 * cannot be removed does not keep the others; nothing else is touched then. Throws MachineError with every failure.
 */
export async function reset(run: Run): Promise<void> {
  const { paths } = run;
  const failures: unknown[] = [];
  for (const name of new Set([...doomedMachines(run).map((one) => one.name), ...unfinishedNames(paths)])) {
    try {
      await remove(name, run, { force: true });
    } catch (error) {
      run.signal.throwIfAborted();
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (others.length > 0) throw new MachineError("busy", `${failures.length} machines could not be removed`, { details: failures.map(messageOf), hint: "Mend that, and reset again." });
  if (first !== undefined) throw first;
  await emptyFolders(run);
}

async function emptyFolders({ paths, report }: Run): Promise<void> {
  const isOwn = !relative(paths.data, paths.store).startsWith("..");
  if (!isOwn) report.info(`the images in ${paths.store} stay: GLOWPLUG_STORE names it, and others may share it`);
  if (isOwn) await pruneImages(paths);
  // Somebody may be making a machine of an image just now.
  const inUse = isOwn && (listImages(paths.store).length > 0 || imageUse(paths).users.size > 0);
  if (inUse) report.warn(`${paths.store} is in use, and stays`);
  const kept = [paths.tools, ...(inUse ? [paths.store] : [])];
  for (const entry of entriesOf(paths.data)) if (!kept.includes(entry)) rmSync(entry, { recursive: true, force: true });
  rmSync(paths.cache, { recursive: true, force: true });
  for (const folder of [paths.runtime, paths.data]) removeIfEmpty(folder);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return []; // nothing was ever made
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not there, or not empty
  }
}
