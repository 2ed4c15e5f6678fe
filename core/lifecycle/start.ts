import { claimDockerSocket, planDockerClaim } from "../docker-socket.ts";
import { MachineError, messageOf } from "../errors.ts";
import { pause } from "../keeper/again.ts";
import { keeperShell } from "../keeper/client.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import type { StartOptions } from "../machine.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { keepFirstBoot } from "../spec/changes.ts";
import { saveSpec } from "../spec.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { step } from "../step.ts";
import { writeRecord } from "../store.ts";
import { adoptLocked } from "./adopt.ts";
import { clearBegun, leaveBegun, readBegun, writeBegun } from "./begun.ts";
import { boot, type Booted } from "./boot.ts";
import { preferConnection } from "./default-connection.ts";
import { recordedInfo } from "./facts.ts";
import { VerbHooks } from "./hooks.ts";
import { withHostKey } from "./host-key.ts";
import { placeOf, withPlace } from "./lan.ts";
import { joinLan } from "./lan-guest.ts";
import { waitUntilUp } from "./launch-keeper.ts";
import { lockMachine } from "./lock-machine.ts";
import { noSuchMachine } from "./missing.ts";
import { recover } from "./recover.ts";
import { settleGuest } from "./settle.ts";
import { livingKeeper, stateOf } from "./status.ts";

/** How long whoever has the machine's lock is waited for, in milliseconds: as another start may take, or nearly so where nothing accelerates it. */
const longestStartMs = 900_000;

/** Boots a machine and returns when it is of use. Where a start was killed, it goes on with what that had begun. */
export async function start(spec: ResolvedSpec, run: Run, options: StartOptions = {}): Promise<KeeperStatus> {
  const files = run.paths.machine(spec.name);
  const lock = await lockMachine(spec.name, "start", run, { timeoutMs: longestStartMs });
  try {
    step("start.locked");
    const found = await recover(spec.name, run);
    if (!found) throw noSuchMachine(spec.name);
    const kept = await keptUp(spec.name, run);
    if (kept && options.updateConnection) await preferConnection(found, run);
    if (kept) return kept;
    const hooks = new VerbHooks(spec, run);
    const { record, keeper, mounts, names, notes, accelerators } = (await takenOver(spec, found, run)) ?? (await boot(spec, found, hooks, run, options));
    step("start.up");
    const ssh = keeperShell(files.keeperSocket);
    let up = record;
    try {
      up = {
        ...(await withHostKey(record, keeper, run)), spec: keepFirstBoot(record.spec, saveSpec(spec)), lastUp: new Date().toISOString(),
        last: { accelerator: keeper.accelerator, accelerators, notes, ports: keeper.ports },
      };
      await writeRecord(run.paths, up);
      step("start.record");
      lock.release();
      await settleGuest({ mounts, names }, ssh, up.ssh.user);
      step("start.mounted");
      await joinLan(up, run);
    } catch (error) {
      await checkStillUp(spec.name, keeper, error, run);
      await leaveBegun(files, { mounts, names, notes, accelerators }, messageOf(error));
      throw error;
    }
    try {
      await hooks.fire("afterStart", recordedInfo(up, spec, run.paths), { ssh, ports: keeper.ports });
    } catch (error) {
      await checkStillUp(spec.name, keeper, error, run);
      throw error;
    } finally {
      clearBegun(files);
      step("start.done");
    }
    if (options.updateConnection) await preferConnection(up, run);
    await takeDockerSocket(spec, run);
    return keeper;
  } finally {
    lock.release();
  }
}

/** A machine that is up and had lost its keeper gets another, and is left as it is otherwise. Undefined for any other, and where a start was killed before its end. */
async function keptUp(name: string, run: Run): Promise<KeeperStatus | undefined> {
  if (!(await adoptLocked(name, run))) return undefined;
  const { state, keeper } = await stateOf(name, run.paths);
  return state === "running" && !readBegun(run.paths.machine(name)) ? keeper : undefined;
}

/** The lock is free by now. Throws MachineError "vm-exited" where somebody else has stopped what came up, which is why its guest does not answer. */
async function checkStillUp(name: string, keeper: KeeperStatus, cause: unknown, run: Run): Promise<void> {
  const now = await stateOf(name, run.paths);
  const vmOf = ({ children }: KeeperStatus): number | undefined => children.find(({ role }) => role === "vm")?.pid;
  const isGone = now.state === "stopped" || now.state === "stopping" || (now.keeper !== undefined && vmOf(now.keeper) !== vmOf(keeper));
  if (isGone) throw new MachineError("vm-exited", `${name} came up, and was stopped by somebody else before it was of use`, { cause });
}

/** A machine whose start was killed, or lost its guest at the end, goes on coming up: it is waited for. Undefined where none does. Throws MachineError "wrong-state" for one that is up. */
async function takenOver(spec: ResolvedSpec, record: MachineRecord, run: Run): Promise<Booted | undefined> {
  const { name } = record;
  const files = run.paths.machine(name);
  // Its keeper may be lost while it goes down: then another goes on with that.
  do await untilDown(name, run);
  while (await adoptLocked(name, run));
  const { state, condition } = await stateOf(name, run.paths);
  if (state !== "running" && state !== "starting") return undefined;
  const begun = readBegun(files);
  if (state === "running" && (!begun || condition === "broken")) {
    throw new MachineError("wrong-state", `unable to start "${name}": already running`, { hint: `\`glowplug ssh ${name}\` gets in.` });
  }
  if (begun) await writeBegun(files, begun);
  const keeper = await waitUntilUp(name, files, run);
  return { accelerators: [], notes: [], mounts: [], names: {}, ...begun, record: withPlace(record, placeOf(spec, record, run)), keeper };
}

/** How long a machine that is on its way down is waited for, beyond what its guest is given by default. */
const downMs = 120_000;

/** A guest that is powering off is left to it: to end it now would lose what it has not written yet. Throws MachineError "deadline". */
async function untilDown(name: string, run: Run): Promise<void> {
  if ((await stateOf(name, run.paths)).state !== "stopping") return;
  const files = run.paths.machine(name);
  const phase = run.report.phase(`waiting for ${name} to be down`);
  for (const limit = performance.now() + downMs; livingKeeper(files); await pause(100, run.signal)) {
    if (performance.now() < limit && !run.signal.aborted) continue;
    phase.fail();
    run.signal.throwIfAborted();
    throw new MachineError("deadline", `${name} has been on its way down for ${downMs / 1000} s`, { hint: `\`glowplug stop --force ${name}\` ends it at once.` });
  }
  phase.done();
}

/** On a Mac with podman's helper: docker clients that are told nothing find the machine. */
async function takeDockerSocket({ name, podman }: ResolvedSpec, { host, paths, report }: Run): Promise<void> {
  const claim = podman ? planDockerClaim(host, paths) : undefined;
  if (!claim) return;
  const claimed = await claimDockerSocket(claim, paths.machine(name).apiSocket);
  report.info(claimed ? `/var/run/docker.sock leads to ${name}` : "/var/run/docker.sock leads elsewhere, and stays");
}
