import { isObject } from "./json.ts";
import type { SavedSpec } from "./spec-types.ts";

/** A record as it stands in the file, of whatever version. */
export type RawRecord = Readonly<Record<string, unknown>>;

/** How records of older versions become those of the newest. */
export interface RecordVersions {
  /** The version that this glowplug writes. */
  readonly newest: number;
  /** For each older version what makes the next one of it. Pure; it may rely on nothing but what that version promised. */
  readonly steps: Readonly<Record<number, (old: RawRecord) => RawRecord>>;
}

/**
 * A field that is only added needs no new version: its meaning where it is missing stands in `laterFields`. A field that is renamed,
 * taken away or means something else needs one: raise `newest`, add the step, and put a record of the old version into
 * test/fixtures/records, where every one is read for good. A file keeps its version until the next verb that changes the record.
 */
export const recordVersions: RecordVersions = { newest: 1, steps: {} };

/** Fields of a spec that came later, and what they mean where a record does not have them. */
const laterFields: Readonly<Pick<SavedSpec, "swap" | "usb" | "importNativeCa" | "proxy">> = { swap: 0, usb: [], importNativeCa: false, proxy: true };

/** Brings a record to the newest version. Returns what is wrong where no step leads there. */
export function migrate(read: RawRecord, { newest, steps }: RecordVersions = recordVersions): { readonly record: RawRecord } | { readonly problem: string } {
  let record = read;
  while (record["version"] !== newest) {
    const version = record["version"];
    const step = typeof version === "number" ? steps[version] : undefined;
    if (!step) return { problem: `version is ${version === undefined ? "missing" : JSON.stringify(version)}, expected ${newest}` };
    record = { ...step(record), version: Number(version) + 1 };
  }
  const { spec } = record;
  return { record: isObject(spec) ? { ...record, spec: { ...laterFields, ...spec } } : record };
}
