import { existsSync, readFileSync, readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { codeOf, diskError, makePrivateFolder, writeFileDurably } from "./atomic.ts";
import { MachineError, messageOf } from "./errors.ts";
import { takeLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { parseRecord } from "./record-shape.ts";
import type { MachineRecord } from "./record.ts";

export { listMachineFiles, removeMachineFiles } from "./machine-files.ts";

/** A record that cannot be read. Its machine is there, and the others are listed all the same. */
export interface DamagedRecord {
  readonly name: string;
  /** Its file. */
  readonly path: string;
  readonly problem: string;
}

/** The record of a machine; undefined where there is none. Throws MachineError "record" when it cannot be read, "bad-name" for no name. */
export function readRecord(paths: Paths, name: string): MachineRecord | undefined {
  checkRecordName(name);
  const file = paths.machine(name).record;
  try {
    return parseRecord(readFileSync(file, "utf8"), name, file);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause instanceof MachineError ? cause : diskError(`the record of machine "${name}" (${file}) could not be read`, cause);
  }
}

/** Every record, by name, and those that cannot be read. A folder without a record is no machine. */
export function listRecords(paths: Paths): { readonly records: readonly MachineRecord[]; readonly damaged: readonly DamagedRecord[] } {
  const records: MachineRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const name of machineNames(paths)) {
    try {
      const record = readRecord(paths, name);
      if (record) records.push(record);
    } catch (error) {
      damaged.push({ name, path: paths.machine(name).record, problem: messageOf(error) });
    }
  }
  return { records, damaged };
}

/** Writes a record, whole or not at all. */
export async function writeRecord(paths: Paths, record: MachineRecord): Promise<void> {
  checkRecordName(record.name);
  const { data, record: file } = paths.machine(record.name);
  makePrivateFolder(data);
  await writeFileDurably(file, `${JSON.stringify(record, null, 2)}\n`);
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

/** Takes a record that cannot be read out of the way and returns its new path; the machine's other files stay. Only ever done when asked for. */
export async function setRecordAside(paths: Paths, name: string): Promise<string> {
  checkRecordName(name);
  const file = paths.machine(name).record;
  let aside = `${file}.damaged`;
  for (let count = 2; existsSync(aside); count += 1) aside = `${file}.damaged-${count}`;
  await rename(file, aside).catch((cause: unknown) => {
    throw codeOf(cause) === "ENOENT" ? noMachine(name) : diskError(`${file} could not be moved to ${aside}`, cause);
  });
  return aside;
}

/** A name becomes a folder's, so nothing may lead elsewhere. Throws MachineError "bad-name". */
export function checkRecordName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
  throw new MachineError("bad-name", `${JSON.stringify(name)} is no name of a machine`, { hint: "Use letters, digits, `_`, `.` and `-`; the first is a letter or a digit." });
}

function machineNames(paths: Paths): readonly string[] {
  try {
    const entries = readdirSync(paths.machines, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && /^[a-zA-Z0-9]/.test(entry.name)).map((entry) => entry.name).sort();
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return [];
    throw diskError(`${paths.machines} could not be read`, cause);
  }
}

/** The error of whoever would make a machine that is there already, in podman's words. */
export function alreadyExists(name: string): MachineError {
  return new MachineError("already-exists", `machine "${name}" already exists`, { hint: `Start it with \`glowplug start ${name}\`, or remove it with \`glowplug rm ${name}\`.` });
}

function noMachine(name: string): MachineError {
  return new MachineError("no-machine", `machine "${name}" does not exist`, { hint: "`glowplug list` shows those that do." });
}
