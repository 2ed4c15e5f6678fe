import { MachineError } from "./errors.ts";
import { isObject } from "./json.ts";
import type { MachineRecord } from "./record.ts";
import type { SavedSpec } from "./spec-types.ts";

/** The record version that this glowplug writes. */
export const recordVersion = 1;

/** For each older version what makes the next one of it. None yet. */
const migrations: Readonly<Record<number, (old: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>>> = {};

/** Fields of a spec that came later, and what they mean where a record does not have them. */
const laterFields: Readonly<Pick<SavedSpec, "swap" | "usb" | "importNativeCa">> = { swap: 0, usb: [], importNativeCa: false };

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "a text");
const path: Check = (value) => (typeof value === "string" && value.startsWith("/") ? undefined : "an absolute path");
const count: Check = (value) => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? undefined : "a whole number");
const port: Check = (value) => (typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65536 ? undefined : "a port number");
const list: Check = (value) => (Array.isArray(value) ? undefined : "a list");
const object: Check = (value) => (isObject(value) ? undefined : "an object");
const date: Check = (value) => (typeof value === "string" && !Number.isNaN(Date.parse(value)) ? undefined : "a date");
const dateOrNull: Check = (value) => (value === null ? undefined : date(value));
const oneOf = (...words: readonly string[]): Check => (value) => (typeof value === "string" && words.includes(value) ? undefined : words.join(" or "));

/** What every verb relies on. Fields that only inform are not looked at, so that a record survives their changes. */
const shape: Readonly<Record<string, Check>> = {
  name: text, created: date, lastUp: dateOrNull, overrides: object, undo: list, mac: text,
  "spec.name": text, "spec.cpus": count, "spec.memory": count, "spec.disk": count, "spec.ports": list, "spec.sockets": list, "spec.volumes": list,
  "spec.image": text, "spec.provisioner": text, "spec.launcher": text, "spec.forwarder": text,
  "image.id": text, "image.path": path, "image.format": oneOf("qcow2", "raw"), "image.virtualSize": count,
  "disk.path": path, "disk.format": oneOf("qcow2", "raw"),
  "seed.kind": text, "seed.path": path, firstBoot: oneOf("ignition", "cloud-init"),
  "ssh.port": port, "ssh.user": text, "ssh.uid": count, "ssh.keyFile": path, "ssh.hostKey": text,
  "folders.data": path, "folders.runtime": path,
};

/**
 * The record in the text of a machine.json, brought to this version.
 * Throws MachineError "record" with every field that is not as expected, and for a record of a newer version.
 */
export function parseRecord(source: string, name: string, file: string): MachineRecord {
  const read = parseJson(source, name, file);
  const version = read["version"];
  if (typeof version === "number" && version > recordVersion) {
    throw new MachineError("record", `machine "${name}" was made by a newer glowplug: its record has version ${version}, this one reads ${recordVersion}`, {
      hint: "Use the newer glowplug for it.",
    });
  }
  const record = migrate(read, name, file);
  const problems = Object.entries(shape).flatMap(([field, check]) => {
    const value = valueAt(record, field);
    const expected = check(value);
    return expected === undefined ? [] : [`${field} is ${value === undefined ? "missing" : JSON.stringify(value)}, expected ${expected}`];
  });
  if (problems.length === 0 && record["name"] !== name) problems.push(`name is ${JSON.stringify(record["name"])}, expected "${name}", as its folder's`);
  if (problems.length > 0) throw damaged(name, file, problems);
  return { ...record, spec: { ...laterFields, ...(record["spec"] as object) } } as unknown as MachineRecord;
}

function parseJson(source: string, name: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(source);
    if (isObject(value)) return value;
  } catch (cause) {
    throw damaged(name, file, [source.trim() === "" ? "it is empty" : "it is no JSON"], cause);
  }
  throw damaged(name, file, ["it holds no object"]);
}

function migrate(read: Readonly<Record<string, unknown>>, name: string, file: string): Readonly<Record<string, unknown>> {
  let record = read;
  while (record["version"] !== recordVersion) {
    const step = migrations[Number(record["version"])];
    if (!step) throw damaged(name, file, [`version is ${JSON.stringify(record["version"]) ?? "missing"}, expected ${recordVersion}`]);
    record = step(record);
  }
  return record;
}

function damaged(name: string, file: string, problems: readonly string[], cause?: unknown): MachineError {
  return new MachineError("record", `the record of machine "${name}" is damaged (${file}): ${problems[0]}`, {
    hint: `Repair the file, or remove the machine with \`glowplug rm --force ${name}\`.`,
    ...(problems.length > 1 && { details: problems }), cause,
  });
}

function valueAt(value: unknown, field: string): unknown {
  return field.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}
