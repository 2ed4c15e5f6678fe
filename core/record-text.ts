import { MachineError } from "./errors.ts";
import { isObject, readObject } from "./json.ts";
import { problemsOf, withoutNonsense } from "./record-shape.ts";
import { migrate, recordVersions, type RawRecord } from "./record-versions.ts";
import type { MachineRecord } from "./record.ts";

/**
 * The record in the text of a machine.json, brought to this version.
 * Throws MachineError "record" with every field that is not as expected, and for a record of a newer version.
 */
export function parseRecord(source: string, name: string, file: string): MachineRecord {
  const read = parseJson(source, name, file);
  if (isOfNewer(read)) {
    throw new MachineError("record", `machine "${name}" was made by a newer glowplug: its record has version ${read["version"]}, this one reads ${recordVersions.newest}`, {
      hint: "Use the newer glowplug for it.",
    });
  }
  const migrated = migrate(read);
  if ("problem" in migrated) throw damaged(name, file, [migrated.problem]);
  const { record } = migrated;
  const problems = [...problemsOf(record)];
  if (problems.length === 0 && record["name"] !== name) problems.push(`name is ${JSON.stringify(record["name"])}, expected "${name}", as its folder's`);
  if (problems.length > 0) throw damaged(name, file, problems);
  return withoutNonsense(record) as unknown as MachineRecord;
}

/** The text of a record. */
export function renderRecord(record: MachineRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Whether a newer glowplug wrote it: then it is not damaged, and nothing may take its place. */
export function isNewer(source: string): boolean {
  const read = readObject(source);
  return "object" in read && isOfNewer(read.object);
}

function isOfNewer({ version }: RawRecord): boolean {
  return typeof version === "number" && version > recordVersions.newest;
}

function parseJson(source: string, name: string, file: string): RawRecord {
  try {
    const value: unknown = JSON.parse(source);
    if (isObject(value)) return value;
  } catch (cause) {
    throw damaged(name, file, [source.trim() === "" ? "it is empty" : "it is no JSON"], cause);
  }
  throw damaged(name, file, ["it holds no object"]);
}

function damaged(name: string, file: string, problems: readonly string[], cause?: unknown): MachineError {
  return new MachineError("record", `the record of machine "${name}" is damaged (${file}): ${problems[0]}`, {
    hint: `Repair the file, or remove the machine with \`glowplug rm --force ${name}\`.`,
    ...(problems.length > 1 && { details: problems }), cause,
  });
}
