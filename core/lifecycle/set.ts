import { diskSize, growDisk } from "../disk.ts";
import { MachineError } from "../errors.ts";
import { takeLock } from "../lock.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { changeLine, changeText, isFixed, specChanges } from "../spec/changes.ts";
import { checkLimits } from "../spec/limits.ts";
import { commandLine, throwMistakes } from "../spec/mistakes.ts";
import { specFieldNames } from "../spec.ts";
import type { MachineSpec, SavedSpec } from "../spec-types.ts";
import { readRecord, updateRecord } from "../store.ts";
import { didYouMean } from "../suggest.ts";
import { parseSize } from "../units.ts";
import { noSuchMachine } from "./missing.ts";
import { statusOf } from "./status.ts";

/** What can be set of a machine that exists. */
export type Settings = Pick<MachineSpec, "cpus" | "memory" | "disk" | "rootful">;

export interface SetOptions {
  readonly settings: Settings;
  /** Fields whose overrides are taken back; "all" that can be. They go first. Default: none. */
  readonly reset?: "all" | readonly string[];
}

/**
 * Writes overrides that win over the machine's script until they are reset, and says what needs a restart. The disk of a stopped
 * machine grows at once, that of a running one at its next start. Everything is checked before anything is changed.
 * Throws MachineError "no-machine", "host-limits", "bad-size", and "usage" for a field that cannot be reset.
 */
export async function set(name: string, { settings, reset = [] }: SetOptions, run: Run): Promise<void> {
  const { paths, report, signal } = run;
  if (!readRecord(paths, name)) throw noSuchMachine(name);
  const lock = await takeLock(paths.machine(name).lock, { signal, purpose: `glowplug set ${name}`, onWait: (holder) => report.info(`waiting for ${holder}`) });
  try {
    const record = readRecord(paths, name);
    if (!record) throw noSuchMachine(name);
    const running = (await statusOf(record, paths)).state !== "stopped";
    const doomed = resetFields(record, reset);
    const wanted = inBytes(settings);
    throwMistakes(checkLimits(wanted, run.host).map((mistake) => ({ ...mistake, where: commandLine })));
    if (wanted.disk !== undefined) await checkLarger(record, wanted.disk);
    if (wanted.disk !== undefined && !running) await growDisk(record.disk, wanted.disk, run);
    const changed: SavedSpec = { ...record.spec, ...wanted, sources: { ...record.spec.sources, ...Object.fromEntries(Object.keys(wanted).map((field) => [field, "set" as const])) } };
    await updateRecord(paths, name, (now) => ({
      // What runs is told by the record as it was started; what does not run, as it will be.
      ...now, ...(!running && { spec: { ...now.spec, ...wanted, sources: changed.sources } }),
      overrides: { ...Object.fromEntries(Object.entries(now.overrides).filter(([field]) => !doomed.includes(field))), ...settings },
    }));
    for (const field of doomed) report.info(`${field} is set no longer: from the next start on it is what the script says, or the default`);
    for (const change of specChanges(record.spec, changed)) report.info(running ? changeLine(change, { name, running }) : changeText(change));
  } finally {
    lock.release();
  }
}

function inBytes({ memory, disk, ...plain }: Settings): Partial<Pick<SavedSpec, "cpus" | "memory" | "disk" | "rootful">> {
  return { ...plain, ...(memory !== undefined && { memory: parseSize(memory) }), ...(disk !== undefined && { disk: parseSize(disk) }) };
}

/** podman's words, and its GB that are GiB. */
async function checkLarger({ disk }: MachineRecord, wanted: number): Promise<void> {
  const now = await diskSize(disk);
  if (wanted > now) return;
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
