import { constants, copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { codeOf, diskError, makePrivateFolder, writeFileDurably } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import type { Paths } from "./paths.ts";
import { isNewer, parseRecord, renderRecord } from "./record-text.ts";
import type { MachineRecord } from "./record.ts";

/**
 * The record of a machine; where it is damaged its copy, and what is wrong with it. Undefined where there is none.
 * Throws MachineError "record" when neither can be read, "bad-name" for no name.
 */
export function lookUp(paths: Paths, name: string): { readonly record: MachineRecord; readonly problem?: MachineError } | undefined {
  checkRecordName(name);
  const { record: file, recordCopy } = paths.machine(name);
  const source = readText(file, name);
  if (source === undefined) return undefined;
  try {
    return { record: parseRecord(source, name, file) };
  } catch (problem) {
    if (!(problem instanceof MachineError) || isNewer(source)) throw problem;
    const copy = tryCopy(recordCopy, name);
    if (!copy) throw problem;
    return { record: copy, problem };
  }
}

/** Writes a record, whole or not at all, then its copy, without which the record is as good: the next verb that changes the machine tries again. */
export async function writeRecord(paths: Paths, record: MachineRecord): Promise<void> {
  checkRecordName(record.name);
  const { data, record: file, recordCopy } = paths.machine(record.name);
  makePrivateFolder(data);
  await writeFileDurably(file, renderRecord(record));
  await writeCopy(recordCopy, renderRecord(record));
}

function writeCopy(path: string, text: string): Promise<unknown> {
  return writeFileDurably(path, text).catch(() => {});
}

/**
 * Puts the copy of a record in the place of a damaged one, of whose text a file is kept, and the record's text into a copy that was not
 * brought up to date. To be called under the machine's lock. Returns where that is and what was wrong; undefined where the record is good.
 */
export async function mendRecord(paths: Paths, name: string): Promise<{ readonly aside: string; readonly problem: string } | undefined> {
  const found = lookUp(paths, name);
  const { record: file, recordCopy } = paths.machine(name);
  const text = found && !found.problem ? readText(file, name) : undefined;
  if (text !== undefined && text !== readQuietly(recordCopy)) await writeCopy(recordCopy, text);
  if (!found?.problem) return undefined;
  const aside = setRecordAside(paths, name);
  await writeRecord(paths, found.record);
  return { aside, problem: found.problem.message };
}

/** Keeps what stands in a record under another name, which is returned. The record stays: without it there would be no machine. */
function setRecordAside(paths: Paths, name: string): string {
  const file = paths.machine(name).record;
  let aside = `${file}.damaged`;
  for (let count = 2; existsSync(aside); count += 1) aside = `${file}.damaged-${count}`;
  try {
    copyFileSync(file, aside, constants.COPYFILE_EXCL);
  } catch (cause) {
    throw diskError(`${file} could not be copied to ${aside}`, cause);
  }
  return aside;
}

/** A name becomes a folder's, so nothing may lead elsewhere. Throws MachineError "bad-name". */
export function checkRecordName(name: string): void {
  if (isRecordName(name)) return;
  throw new MachineError("bad-name", `${JSON.stringify(name)} is no name of a machine`, { hint: "Use letters, digits, `_`, `.` and `-`; the first is a letter or a digit." });
}

export function isRecordName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
}

function tryCopy(file: string, name: string): MachineRecord | undefined {
  try {
    return parseRecord(readFileSync(file, "utf8"), name, file);
  } catch {
    return undefined; // the record's own fault is the one to tell
  }
}

function readQuietly(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function readText(file: string, name: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8");
    checkOwner(file, name);
    return text;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    if (cause instanceof MachineError) throw cause;
    throw diskError(`the record of machine "${name}" (${file}) could not be read`, cause);
  }
}

/** A record names processes to end and commands to run: whoever could write it could have root do so. */
function checkOwner(file: string, name: string): void {
  const [owner, user] = [statSync(file).uid, process.getuid?.()];
  if (user === undefined || owner === user) return;
  throw new MachineError("conflict", `machine "${name}" belongs to user ${owner}, and this is user ${user}`, { hint: `${file} is its record. Run glowplug as its owner.` });
}

/** The error for a machine that should be there. */
export function noMachine(name: string): MachineError {
  return new MachineError("no-machine", `machine "${name}" does not exist`, { hint: "`glowplug list` shows those that do." });
}
