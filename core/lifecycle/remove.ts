import { makeWhole } from "../disk.ts";
import { isMachineError, MachineError } from "../errors.ts";
import { writeAccess } from "../kept-access.ts";
import { removeMachineFiles } from "../machine-files.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { step } from "../step.ts";
import { markUnfinished, removeRecord, removeUnfinished } from "../unfinished.ts";
import { lockMachine } from "./lock-machine.ts";
import { unregister } from "./outside.ts";
import { recover, recoverOthers } from "./recover.ts";
import { stateOf } from "./status.ts";
import { bringDown } from "./stop.ts";
import { sweep } from "./sweep.ts";

export interface RemoveOptions {
  /** Stop it first where it runs, and remove it also where its record cannot be read. Default: false. */
  readonly force?: boolean;
  /** Files that stay. Default: none. */
  readonly keep?: readonly string[];
}

/**
 * Removes every trace of a machine; of one that is gone, what a killed verb left. Loads no script: what was registered outside is undone
 * by the record alone. Killed at any moment it leaves the machine as it was, or no machine and what the next verb clears away.
 * Throws MachineError "wrong-state" where it runs and is not to be stopped.
 */
export async function remove(name: string, run: Run, { force = false, keep = [] }: RemoveOptions = {}): Promise<void> {
  while (!(await removedAtRest(name, run, { force, keep }))) await bringDown(name, run, { force: true });
  await recoverOthers(run);
}

/** False where it runs: it may have been started by somebody else just now. */
async function removedAtRest(name: string, run: Run, { force, keep }: Required<RemoveOptions>): Promise<boolean> {
  const { record, recordCopy } = run.paths.machine(name);
  const lock = await lockMachine(name, "rm", run, { evenWithoutRoom: true });
  try {
    step("rm.locked");
    const found = await readAnyhow(name, run, force);
    if (!found) return true;
    if ((await stateOf(name, run.paths)).state !== "stopped") {
      if (force) return false;
      throw new MachineError("wrong-state", `running vm "${name}" cannot be destroyed`, { hint: `Stop it first, or use \`glowplug rm --force ${name}\`.` });
    }
    await sweep(name, run);
    if ("disk" in found && keep.includes(found.disk.path)) await keepDisk(found, run);
    const isMarked = await hasMarked(name, found.undo, keep, run);
    step("rm.marked");
    if (isMarked) await removeRecord(run.paths, name);
    else removeMachineFiles(run.paths, name, [...keep, record, recordCopy]);
    step("rm.gone");
    await unregister(found.undo, run);
    step("rm.undone");
    removeUnfinished(run.paths, name, keep);
    step("rm.files");
    return true;
  } finally {
    lock.release();
  }
}

/** False where there is no room for the mark. Then the record is the last that goes: whoever is killed before leaves a machine that can be removed again. */
async function hasMarked(name: string, undo: MachineRecord["undo"], keep: readonly string[], run: Run): Promise<boolean> {
  try {
    await markUnfinished(run.paths, name, { verb: "rm", undo, keep });
    return true;
  } catch (error) {
    if (isMachineError(error) && error.code === "disk") return false;
    throw error;
  }
}

/** What is known of a machine; undefined where there is none. Of a record that cannot be read it is not what was set up outside. */
async function readAnyhow(name: string, run: Run, force: boolean): Promise<MachineRecord | Pick<MachineRecord, "undo"> | undefined> {
  try {
    return await recover(name, run);
  } catch (error) {
    if (!force || !isMachineError(error) || (error.code !== "record" && error.code !== "disk")) throw error;
    run.report.warn(`what was set up outside for ${name} is not known any more, and stays: a podman connection, a docker context`);
    return { undo: [] };
  }
}

/** A disk that outlives its machine must not need an image that nobody uses any more, and its guest lets in nobody but with its key. */
async function keepDisk(record: MachineRecord, run: Run): Promise<void> {
  const phase = run.report.phase("Copying the image into the disk");
  try {
    await makeWhole(record.disk, run);
    await writeAccess(record, run.paths.machine(record.name));
    phase.done(record.disk.path);
  } catch (error) {
    phase.fail();
    throw error;
  }
}
