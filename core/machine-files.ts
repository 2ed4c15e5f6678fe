import { lstatSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { codeOf, diskError } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import type { Paths } from "./paths.ts";

/** Every file and socket of a machine, in data and runtime folder, in the order in which they are removed: the record first. */
export function listMachineFiles(paths: Paths, name: string): readonly string[] {
  const files = paths.machine(name);
  checkFolders(paths, name);
  const found = [...filesBelow(files.data), ...filesBelow(files.runtime)];
  // Without its record a machine no longer exists: whatever stops the removal, no half of one stays.
  return found.sort((a, b) => Number(b === files.record) - Number(a === files.record));
}

/**
 * Removes every file of a machine and its two folders, but for the files named in `keep` and the folders they lie in.
 * Returns what it removed. Removing a machine that is gone is fine. Links are removed, never followed.
 * Throws MachineError "bad-name" when the name leads out of our folders, "disk" for a file that cannot be removed.
 */
export function removeMachineFiles(paths: Paths, name: string, keep: readonly string[] = [], onFile?: (path: string) => void): readonly string[] {
  const files = paths.machine(name);
  const removed: string[] = [];
  for (const path of listMachineFiles(paths, name)) {
    if (keep.includes(path)) continue;
    try {
      rmSync(path, { force: true });
    } catch (cause) {
      throw diskError(`${path} could not be removed`, cause);
    }
    onFile?.(path);
    removed.push(path);
  }
  for (const folder of [files.data, files.runtime]) removeEmptyFolders(folder);
  return removed;
}

function checkFolders(paths: Paths, name: string): void {
  const { data, runtime } = paths.machine(name);
  for (const [folder, root] of [[data, paths.machines], [runtime, paths.runtime]] as const) {
    const inside = relative(root, folder);
    if (inside === name && inside !== "" && inside !== ".." && !inside.includes(sep)) continue;
    throw new MachineError("bad-name", `${JSON.stringify(name)} leads out of ${root}; nothing was removed`, { hint: "Name a machine that `glowplug list` shows." });
  }
}

function filesBelow(folder: string): string[] {
  const kind = lstatSync(folder, { throwIfNoEntry: false });
  if (!kind) return [];
  if (!kind.isDirectory()) return [folder];
  return readdirSync(folder).sort().flatMap((name) => filesBelow(join(folder, name)));
}

/** Deepest first. A folder that somebody has put something into meanwhile stays. */
function removeEmptyFolders(folder: string): void {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(folder)) removeEmptyFolders(join(folder, name));
  try {
    rmdirSync(folder);
  } catch (cause) {
    if (codeOf(cause) !== "ENOTEMPTY" && codeOf(cause) !== "EEXIST" && codeOf(cause) !== "ENOENT") throw diskError(`the folder ${folder} could not be removed`, cause);
  }
}
