import { statSync } from "node:fs";
import { isMachineError, MachineError } from "../errors.ts";
import { askKeeper, keeperShell } from "../keeper/client.ts";
import { protocolVersion } from "../keeper/protocol.ts";
import type { Share } from "../model.ts";
import type { MachineRecord } from "../record.ts";
import type { ShareMount } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import { targetProblem } from "../spec/volumes.ts";
import { readRecord, updateRecord } from "../store.ts";
import { adoptLocked } from "./adopt.ts";
import { lockMachine } from "./lock-machine.ts";
import { noSuchMachine } from "./missing.ts";
import { recover } from "./recover.ts";
import { settleGuest } from "./settle.ts";
import { statusOf } from "./status.ts";

type Volume = Required<Share>;
/** What became of a change: it is so already, or will be from the next start on. */
export interface VolumeChange { readonly volume: Volume; readonly when: "now" | "next-start" }

/** The volumes that a machine has at its next start: those that were added or removed win over the script's. */
export function volumesOf({ spec, overrides }: MachineRecord): readonly Volume[] {
  return (overrides["volumes"] as readonly Volume[] | undefined) ?? spec.volumes;
}

/** Folders that a running machine has now. */
export function currentShares(name: string, run: Run): Promise<readonly ShareMount[]> {
  return askKeeper<readonly ShareMount[]>(run.paths.machine(name).keeperSocket, { v: protocolVersion, op: "share-list" }, { timeoutMs: 10_000, signal: run.signal });
}

/** Devices with nothing behind them: the guest is to let go of them before it touches anything at their targets, or it waits for ever. */
function lostShares(name: string, run: Run): Promise<readonly ShareMount[]> {
  return askKeeper<readonly ShareMount[]>(run.paths.machine(name).keeperSocket, { v: protocolVersion, op: "share-lost" }, { timeoutMs: 10_000, signal: run.signal });
}

/**
 * Adds a volume for good: it is mounted at once where the machine runs and its launcher can, else from the next start on.
 * Throws MachineError "no-machine", "not-found" for a source that is no folder, "bad-spec" for a target that may not be,
 * "conflict" for one that is taken, "ssh" where the guest cannot mount it; then nothing has changed.
 */
export async function addVolume(name: string, volume: Volume, run: Run): Promise<VolumeChange> {
  if (!statSync(volume.source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new MachineError("not-found", `there is no folder ${volume.source} on this host`, { hint: "A volume is SOURCE[:TARGET[:ro]]; its source is a folder." });
  }
  const problem = targetProblem(volume.target);
  if (problem !== undefined) throw new MachineError("bad-spec", problem);
  return changed(name, "add", run, async (record, running) => {
    const before = volumesOf(record);
    const taken = before.find(({ target }) => target === volume.target);
    if (taken) throw new MachineError("conflict", `${name} has a volume at ${volume.target} already: ${taken.source}`, { hint: `Choose another target, or remove it: glowplug volume rm ${name} ${volume.target}` });
    const when = running && (await plugged(record, volume, run)) ? "now" : "next-start";
    return { volumes: [...before, volume], change: { volume, when } };
  });
}

/**
 * Removes the volume at a target for good, from a running machine at once where its launcher can.
 * Throws MachineError "no-machine", "not-found", and "ssh" where the guest still uses it; then nothing has changed.
 */
export async function removeVolume(name: string, target: string, run: Run): Promise<VolumeChange> {
  return changed(name, "rm", run, async (record, running) => {
    const before = volumesOf(record);
    const volume = before.find((one) => one.target === target);
    if (!volume) throw new MachineError("not-found", `${name} has no volume at ${target}`, { hint: `\`glowplug volume ls ${name}\` shows those that it has.` });
    const when = running && (await unplugged(record, target, run)) ? "now" : "next-start";
    return { volumes: before.filter((one) => one !== volume), change: { volume, when } };
  });
}

/** Does one change under the machine's lock, and writes it down. */
async function changed(name: string, verb: string, run: Run, work: (record: MachineRecord, running: boolean) => Promise<{ readonly volumes: readonly Volume[]; readonly change: VolumeChange }>): Promise<VolumeChange> {
  const { paths } = run;
  if (!readRecord(paths, name)) throw noSuchMachine(name);
  const lock = await lockMachine(name, `volume ${verb}`, run);
  try {
    const record = await recover(name, run);
    if (!record) throw noSuchMachine(name);
    await adoptLocked(name, run);
    const { state } = await statusOf(record, paths);
    const running = state === "running";
    const { volumes, change } = await work(record, running);
    // What runs is told by the record as it is, what does not run as it will be.
    const isTrue = !running || change.when === "now";
    await updateRecord(paths, name, (now) => ({
      ...now, overrides: { ...now.overrides, volumes },
      ...(isTrue && { spec: { ...now.spec, volumes, sources: { ...now.spec.sources, volumes: "set" as const } } }),
    }));
    return change;
  } finally {
    lock.release();
  }
}

/** Gives a running machine a folder, and has the guest mount it. False where its launcher cannot, which is told. */
async function plugged({ name, ssh }: MachineRecord, share: Volume, run: Run): Promise<boolean> {
  const { keeperSocket } = run.paths.machine(name);
  // What is begun is finished, so that it is known what the VM has.
  const ask = (request: object): Promise<unknown> => askKeeper(keeperSocket, { v: protocolVersion, ...request } as never, { timeoutMs: 90_000 });
  if (!(await couldBeDone(() => ask({ op: "share-add", share }), run))) return false;
  try {
    await settleGuest({ mounts: await currentShares(name, run), lost: await lostShares(name, run) }, keeperShell(keeperSocket), ssh.user);
    return true;
  } catch (error) {
    await ask({ op: "share-remove", target: share.target }).catch(() => {});
    throw error;
  }
}

/** Has the guest unmount a folder, and takes it from the VM. False where the VM keeps it until it ends, which is told. */
async function unplugged({ name, ssh }: MachineRecord, target: string, run: Run): Promise<boolean> {
  const { keeperSocket } = run.paths.machine(name);
  const shares = await currentShares(name, run);
  const gone = shares.filter(({ share }) => share.target === target);
  if (gone.length === 0) return true;
  await settleGuest({ mounts: shares.filter((one) => !gone.includes(one)), gone, lost: await lostShares(name, run) }, keeperShell(keeperSocket), ssh.user);
  return couldBeDone(() => askKeeper(keeperSocket, { v: protocolVersion, op: "share-remove", target }, { timeoutMs: 90_000 }), run);
}

async function couldBeDone(work: () => Promise<unknown>, { report }: Run): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!isMachineError(error) || error.code !== "unsupported-host") throw error;
    report.info(error.message);
    return false;
  }
}
