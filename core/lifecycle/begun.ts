import { existsSync, readFileSync, rmSync } from "node:fs";
import { writeFileDurably } from "../atomic.ts";
import type { MachinePaths } from "../paths.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../process-identity.ts";
import type { MachineRecord } from "../record.ts";
import type { BootPlan } from "../roles/launcher.ts";

/** What a start has still to do once its machine is up: for the next one, where it is killed before. */
export interface Begun {
  readonly accelerators: NonNullable<MachineRecord["last"]>["accelerators"];
  readonly notes: readonly string[];
  readonly mounts: BootPlan["mounts"];
  readonly names: Readonly<Record<string, string>>;
}

/** Writes it down in the runtime folder, as this process's. */
export async function writeBegun(files: MachinePaths, begun: Begun): Promise<void> {
  await writeFileDurably(files.startBegun, JSON.stringify({ ...begun, by: identityOf(process.pid) }));
}

/** Leaves it to the next start: this one did not get to its end, and that is why. A machine that is gone by now has nothing left to do. */
export async function leaveBegun(files: MachinePaths, begun: Begun, why: string): Promise<void> {
  if (existsSync(files.startBegun)) await writeFileDurably(files.startBegun, JSON.stringify({ ...begun, by: null, why })).catch(() => {});
}

/** Why a machine that is up is not what its start was to make of it; undefined where all was done, and where somebody is still at it. */
export function whyUnfinished(files: MachinePaths): string | undefined {
  const found = readLeft(files);
  // A keeper that has started its VM again has no process yet that goes on with it: it is about to.
  if (!found || found.by?.pid === 0) return undefined;
  // Who was at it may have ended well since it was read.
  return readLeft(files) && (found.why ?? "it was killed");
}

/** What a start has left to do that is no more; undefined where none is left, and where it is still at it. */
export function readBegun(files: MachinePaths): Begun | undefined {
  const found = readLeft(files);
  if (!found) return undefined;
  const { by: _, why: __, ...begun } = found;
  return begun;
}

/** What nobody is at any more. */
function readLeft(files: MachinePaths): BegunFile | undefined {
  const found = readBegunFile(files);
  return found && (found.by === null || !isAlive(found.by)) ? found : undefined;
}

/** The same with who is at it, or why nobody is. */
interface BegunFile extends Begun {
  readonly by: ProcessIdentity | null;
  readonly why?: string;
}

/** Undefined where all was done. */
function readBegunFile({ startBegun }: MachinePaths): BegunFile | undefined {
  try {
    return JSON.parse(readFileSync(startBegun, "utf8")) as BegunFile;
  } catch {
    return undefined;
  }
}

/** All is done. What another start has begun meanwhile is not this one's. */
export function clearBegun(files: MachinePaths): void {
  if (readBegunFile(files)?.by?.pid !== process.pid) return;
  rmSync(files.startBegun, { force: true });
}
