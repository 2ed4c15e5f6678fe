import { isMachineError, messageOf } from "../errors.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { mendRecord, readRecord } from "../store.ts";
import { clearMark, readUnfinished, removeUnfinished, unfinishedNames } from "../unfinished.ts";
import { lockMachine } from "./lock-machine.ts";
import { unregister } from "./outside.ts";

/**
 * What every verb that changes a machine does first, under its lock: puts the copy in the place of a damaged record, and takes away what a
 * killed init or rm left. Returns the record; undefined where there is no machine. Throws MachineError "record" where nothing serves.
 */
export async function recover(name: string, run: Run): Promise<MachineRecord | undefined> {
  const { paths, report } = run;
  const mended = await mendRecord(paths, name);
  if (mended) report.warn(`${mended.problem}; its copy takes its place, and what stood there is kept in ${mended.aside}`);
  const record = readRecord(paths, name);
  const left = readUnfinished(paths, name);
  if (!left) return record;
  // An init that got as far as the record was done; an rm that did not take it away had not begun.
  if (record) clearMark(paths, name);
  else {
    await unregister(left.undo, run);
    removeUnfinished(paths, name, left.keep);
    report.info(`cleared away what a killed ${left.verb} left of ${name}`);
  }
  return record;
}

/** The same for every machine that nobody is at. */
export async function recoverOthers(run: Run): Promise<void> {
  for (const name of unfinishedNames(run.paths)) {
    try {
      const lock = await lockMachine(name, "recover", run, { timeoutMs: 0 });
      await recover(name, run).finally(() => lock.release());
    } catch (error) {
      if (!isMachineError(error) || error.code !== "busy") run.report.warn(`what was left of ${name} stays for now: ${messageOf(error)}`);
    }
  }
}
