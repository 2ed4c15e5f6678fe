import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { writeFileDurably } from "../atomic.ts";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { askKeeper } from "../keeper/client.ts";
import type { KeeperPlan } from "../keeper/plan.ts";
import { protocolVersion, type KeeperStatus } from "../keeper/protocol.ts";
import { readKeeperPlan } from "../keeper/read-plan.ts";
import { takeLock } from "../lock.ts";
import type { MachinePaths } from "../paths.ts";
import { killIdentity } from "../process-identity.ts";
import type { Run } from "../run.ts";
import { step } from "../step.ts";
import { readRecord } from "../store.ts";
import { joinLan } from "./lan-guest.ts";
import { launchKeeper } from "./launch-keeper.ts";
import { isAdoptable, livingKeeper, stateOf } from "./status.ts";

/** How long somebody else may hold the lock of a machine that has no keeper. */
const patienceMs = 120_000;
/** Beyond the waits for the VM's monitor and for its guest: a card may be plugged anew. */
const adoptMs = 90_000;

/**
 * Gives a machine that runs without its keeper another one, under the machine's lock; several who want that at once have it done once. Any other
 * machine is left alone, and so is one that cannot be taken over: its VM has ended, or was not up yet. Throws as `adoptLocked` does, and "busy".
 */
export async function adoptOrphan(name: string, run: Run): Promise<void> {
  const { lock: path } = run.paths.machine(name);
  const told = new Set<string>();
  const onWait = (holder: string): void => {
    if (!told.has(holder)) run.report.info(`waiting for ${holder}`);
    told.add(holder);
  };
  for (const limit = performance.now() + patienceMs; (await stateOf(name, run.paths)).state === "orphaned"; ) {
    try {
      const lock = await takeLock(path, { signal: run.signal, purpose: `giving ${name} another keeper`, timeoutMs: 250, onWait });
      await adoptLocked(name, run).finally(() => lock.release());
      return;
    } catch (error) {
      // Whoever has it may do the same, or may be about to end what is left.
      if (!isMachineError(error) || error.code !== "busy" || performance.now() > limit) throw error;
    }
  }
}

/**
 * The same, by who has the lock. True where it has done so. Throws MachineError "keeper" where the machine goes on and cannot be taken over
 * all the same: its monitor does not answer.
 */
export async function adoptLocked(name: string, run: Run): Promise<boolean> {
  const files = run.paths.machine(name);
  if ((await stateOf(name, run.paths)).state !== "orphaned" || !isAdoptable(files)) return false;
  try {
    const { state } = await takenOver(files, run);
    run.report.info(`${name} had lost its keeper, and has another now`);
    if (state === "running") await rejoinLan(name, run);
    return true;
  } catch (error) {
    if (isMachineError(error) && error.code === "interrupted") throw error;
    const keeper = livingKeeper(files);
    if (keeper) killIdentity(keeper, "SIGKILL"); // its machine goes on
    if (!isAdoptable(files)) return false;
    throw new MachineError("keeper", `${name} has lost its keeper, and cannot be given another: ${messageOf(error)}`, {
      cause: error, hint: `\`glowplug logs ${name} events\` tells more; \`glowplug stop ${name}\` ends it.`,
    });
  }
}

async function takenOver(files: MachinePaths, run: Run): Promise<KeeperStatus> {
  const plan = readKeeperPlan(files);
  const { monitorMs, sshMs } = plan.deadlines;
  const ask = (): Promise<KeeperStatus> => askKeeper(files.keeperSocket, { v: protocolVersion, op: "ready" }, { signal: run.signal, timeoutMs: monitorMs + sshMs + adoptMs });
  // A command that was killed may have left a keeper that waits to be asked, for a while.
  const waiting = livingKeeper(files);
  if (waiting) {
    try {
      return await ask();
    } catch (error) {
      if (isMachineError(error) && error.code === "interrupted") throw error;
      killIdentity(waiting, "SIGKILL");
    }
  }
  // One that it has only just spawned finds another token in the plan, and ends.
  const token = await withNewToken(files, plan);
  rmSync(files.keeperSocket, { force: true });
  step("adopt.plan");
  await launchKeeper(files, token, run, { mayStart: plan.restart !== "never", adopts: true });
  step("adopt.keeper");
  const status = await ask();
  step("adopt.done");
  return status;
}

/** On a full disk it keeps the one that it has: whoever wants to give some room by a stop is not to need it. */
async function withNewToken({ keeperPlan }: MachinePaths, plan: KeeperPlan): Promise<string> {
  const token = randomBytes(8).toString("hex");
  try {
    await writeFileDurably(keeperPlan, JSON.stringify({ ...plan, token } satisfies KeeperPlan));
    return token;
  } catch (error) {
    if (isMachineError(error) && error.code === "disk") return plan.token;
    throw error;
  }
}

/** A card that was plugged anew has lost its address where no program of the guest looks after it. */
async function rejoinLan(name: string, run: Run): Promise<void> {
  const record = readRecord(run.paths, name);
  if (record) await joinLan(record, run).catch((error: unknown) => run.report.warn(messageOf(error)));
}
