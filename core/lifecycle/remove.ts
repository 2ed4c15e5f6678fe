import { MachineError, messageOf } from "../errors.ts";
import { takeLock } from "../lock.ts";
import { runCommand } from "../process.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { removeMachineFiles } from "../store.ts";
import { statusOf } from "./status.ts";
import { stop } from "./stop.ts";

/** Removes every trace of a machine. Loads no script: what init registered outside is undone by the record alone. */
export async function remove(record: MachineRecord, run: Run, options: { readonly force?: boolean; readonly keep?: readonly string[] } = {}): Promise<void> {
  const { state } = await statusOf(record, run.paths);
  if (state !== "stopped") {
    if (!options.force) {
      throw new MachineError("wrong-state", `running vm "${record.name}" cannot be destroyed`, { hint: `Stop it first, or use \`glowplug rm --force ${record.name}\`.` });
    }
    await stop(record, undefined, run, { force: true });
  }
  const lock = await takeLock(run.paths.machine(record.name).lock, { signal: run.signal, purpose: `glowplug rm ${record.name}`, onWait: (holder) => run.report.info(`waiting for ${holder}`) });
  try {
    for (const { title, command } of [...record.undo].reverse()) {
      try {
        await runCommand(command, { signal: run.signal, trace: run.trace });
      } catch (error) {
        run.report.warn(`${title} was not undone: ${messageOf(error)}`);
      }
    }
    await removeMachineFiles(run.paths, record.name, options.keep);
  } finally {
    lock.release();
  }
}
