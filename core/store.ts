import { readdirSync } from "node:fs";
import { codeOf, diskError } from "./atomic.ts";
import { MachineError, messageOf } from "./errors.ts";
import { takeLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { isRecordName, lookUp, noMachine, writeRecord } from "./record-file.ts";
import type { MachineRecord } from "./record.ts";

export { listMachineFiles, removeMachineFiles } from "./machine-files.ts";
export { checkRecordName, mendRecord, writeRecord } from "./record-file.ts";

/** A record that cannot be read. Its machine is there, and the others are listed all the same. */
export interface DamagedRecord {
  readonly name: string;
  /** Its file. */
  readonly path: string;
  readonly problem: string;
}

/**
 * The record of a machine; undefined where there is none. Of a damaged one the copy serves.
 * Throws MachineError "record" when neither can be read, "bad-name" for no name.
 */
export function readRecord(paths: Paths, name: string): MachineRecord | undefined {
  return lookUp(paths, name)?.record;
}

export interface RecordList {
  readonly records: readonly MachineRecord[];
  /** Those that cannot be read, nor their copies. */
  readonly damaged: readonly DamagedRecord[];
  /** Those that cannot be read, and whose copies are among the records. */
  readonly copies: readonly DamagedRecord[];
}

/** Every record, by name, and those that cannot be read. A folder without a record is no machine. */
export function listRecords(paths: Paths): RecordList {
  const records: MachineRecord[] = [];
  const damaged: DamagedRecord[] = [];
  const copies: DamagedRecord[] = [];
  for (const name of machineNames(paths)) {
    const about = (problem: unknown): DamagedRecord => ({ name, path: paths.machine(name).record, problem: messageOf(problem) });
    try {
      const found = lookUp(paths, name);
      if (!found) continue;
      records.push(found.record);
      if (found.problem) copies.push(about(found.problem));
    } catch (error) {
      damaged.push(about(error));
    }
  }
  return { records, damaged, copies };
}

/** Changes a record under a lock of its own, so that two who change it at once both have their way. Throws "no-machine" where there is none. */
export async function updateRecord(paths: Paths, name: string, change: (record: MachineRecord) => MachineRecord): Promise<MachineRecord> {
  const found = readRecord(paths, name);
  if (!found) throw noMachine(name);
  const lock = await takeLock(`${paths.machine(name).record}.lock`, { purpose: "changing the record", subject: `the record of ${name}` });
  try {
    const now = readRecord(paths, name);
    if (!now) throw noMachine(name);
    const next = change(now);
    await writeRecord(paths, next);
    return next;
  } finally {
    lock.release();
  }
}

function machineNames(paths: Paths): readonly string[] {
  try {
    const entries = readdirSync(paths.machines, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isRecordName(entry.name)).map((entry) => entry.name).sort();
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return [];
    throw diskError(`${paths.machines} could not be read`, cause);
  }
}

/** The error of whoever would make a machine that is there already, in podman's words. */
export function alreadyExists(name: string): MachineError {
  return new MachineError("already-exists", `machine "${name}" already exists`, { hint: `Start it with \`glowplug start ${name}\`, or remove it with \`glowplug rm ${name}\`.` });
}
