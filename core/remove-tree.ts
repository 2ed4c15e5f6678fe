import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { diskError } from "./atomic.ts";

/** Removes a folder of ours and all in it, also what lies in folders that their owner may not write to. One that is gone is fine. Throws MachineError "disk". */
export function removeTree(folder: string): void {
  try {
    open(folder);
    rmSync(folder, { recursive: true, force: true });
  } catch (cause) {
    throw diskError(`${folder} could not be removed`, cause);
  }
}

/** Links are not followed. */
function open(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return;
  if ((found.mode & 0o700) !== 0o700) chmodSync(folder, 0o700);
  for (const name of readdirSync(folder)) open(join(folder, name));
}
