import { diskSize, growDisk } from "../disk.ts";
import { MachineError } from "../errors.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { changeText, isFixed, specChanges } from "../spec/changes.ts";
import { checkLimits } from "../spec/limits.ts";
import { commandLine, throwMistakes } from "../spec/mistakes.ts";
import { canonicalUsb } from "../spec/usb.ts";
import { checkSpec, specFieldNames } from "../spec.ts";
import type { MachineSpec, SavedSpec } from "../spec-types.ts";
import { step } from "../step.ts";
import { readRecord, updateRecord } from "../store.ts";
import { didYouMean } from "../suggest.ts";
import { parseSize } from "../units.ts";
import { adoptLocked } from "./adopt.ts";
import { followRootful } from "./default-connection.ts";
import { lockMachine } from "./lock-machine.ts";
import { noSuchMachine } from "./missing.ts";
import { recover } from "./recover.ts";
import { statusOf } from "./status.ts";

/** What can be set of a machine that exists. */
export type Settings = Pick<MachineSpec, "cpus" | "memory" | "disk" | "rootful" | "usb" | "importNativeCa">;

export interface SetOptions {
  readonly settings: Settings;
  /** Fields whose overrides are taken back; "all" that can be. They go first. Default: none. */
  readonly reset?: "all" | readonly string[];
}

/**
 * Writes overrides that win over the machine's script until they are reset. As with podman, a machine must be stopped for it, and its
 * disk grows at once. Everything is checked before anything is changed.
 * Throws MachineError "no-machine", "host-limits", "bad-spec", "bad-size", "wrong-state", and "usage" for a field that cannot be reset.
 */
export async function set(name: string, { settings, reset = [] }: SetOptions, run: Run): Promise<void> {
  const { paths, report } = run;
  if (!readRecord(paths, name)) throw noSuchMachine(name);
  const lock = await lockMachine(name, "set", run);
  try {
    step("set.locked");
    const record = await recover(name, run);
    if (!record) throw noSuchMachine(name);
    await adoptLocked(name, run);
    const doomed = resetFields(record, reset);
    const wanted = await checkedSettings(record, settings, run);
    if (Object.keys(settings).length > 0) await checkStopped(record, run);
    if (wanted.disk !== undefined) await growDisk(record.disk, wanted.disk, run);
    step("set.disk");
    const sources = { ...record.spec.sources, ...Object.fromEntries(Object.keys(wanted).map((field) => [field, "set" as const])) };
    const changed: SavedSpec = { ...record.spec, ...wanted, sources };
    await updateRecord(paths, name, (now) => ({
      ...now, spec: { ...now.spec, ...wanted, sources },
      overrides: { ...Object.fromEntries(Object.entries(now.overrides).filter(([field]) => !doomed.includes(field))), ...settings },
    }));
    step("set.record");
    if (wanted.rootful !== undefined) await followRootful(record, wanted.rootful, run);
    for (const field of doomed) report.info(`${field} is set no longer: from the next start on it is what the script says, or the default`);
    for (const change of specChanges(record.spec, changed)) report.info(changeText(change));
  } finally {
    lock.release();
  }
}

type Wanted = Partial<Pick<SavedSpec, "cpus" | "memory" | "disk" | "rootful" | "usb" | "importNativeCa">>;

/** The settings as a record has them, every mistake told at once. */
async function checkedSettings(record: MachineRecord, settings: Settings, { host }: Run): Promise<Wanted> {
  checkSpec(settings, commandLine);
  const { memory, disk, usb, ...plain } = settings;
  const wanted: Wanted = {
    ...plain, ...(memory !== undefined && { memory: parseSize(memory) }), ...(disk !== undefined && { disk: parseSize(disk) }), ...(usb && { usb: usb.map(canonicalUsb) }),
  };
  throwMistakes(checkLimits(wanted, host).map((mistake) => ({ ...mistake, where: commandLine })));
  if (wanted.disk !== undefined) await checkLarger(record, wanted.disk);
  return wanted;
}

async function checkStopped(record: MachineRecord, { paths }: Run): Promise<void> {
  if ((await statusOf(record, paths)).state === "stopped") return;
  throw new MachineError("wrong-state", "unable to change settings unless vm is stopped", { hint: `Stop it first: glowplug stop ${record.name}` });
}

/** podman's words, and its GB that are GiB. */
async function checkLarger({ disk, spec }: MachineRecord, wanted: number): Promise<void> {
  const now = await diskSize(disk);
  // A set that was killed had made the disk larger, and had yet to write it down.
  if (wanted > now || (wanted === now && wanted > spec.disk)) return;
  throw new MachineError("bad-size", `new disk size must be larger than ${now / 2 ** 30} GB`, { hint: "A disk only grows: what lies at its end would be lost." });
}

/** Overrides to take back. What a machine was made of stays: nothing but a new machine could follow. */
function resetFields({ name, overrides }: MachineRecord, reset: "all" | readonly string[]): readonly string[] {
  if (reset === "all") return Object.keys(overrides).filter((field) => !isFixed(field));
  for (const field of reset) {
    if (!specFieldNames.includes(field)) throw new MachineError("usage", `there is no field ${JSON.stringify(field)} to reset${didYouMean(field, specFieldNames)}`, { hint: `Set for ${name}: ${Object.keys(overrides).join(", ") || "nothing"}.` });
    if (isFixed(field)) throw new MachineError("usage", `${field} is fixed when a machine is made, and cannot be reset`, { hint: `Make ${name} anew: glowplug rm ${name}` });
  }
  return reset.filter((field) => Object.hasOwn(overrides, field));
}
