import { existsSync } from "node:fs";
import { isMachineError, messageOf } from "../errors.ts";
import { keeperShell } from "../keeper/client.ts";
import { takeLock, type Lock } from "../lock.ts";
import type { ProcessIdentity } from "../process-identity.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { step } from "../step.ts";
import { adoptLocked, adoptOrphan } from "./adopt.ts";
import { recordedInfo } from "./facts.ts";
import { VerbHooks } from "./hooks.ts";
import { withKeeperSpans } from "./keeper-spans.ts";
import { askedToStop } from "./launch-keeper.ts";
import { livingKeeper, stateOf } from "./status.ts";
import { sweep } from "./sweep.ts";

export interface StopOptions {
  /** Without asking the guest. Default: false. */
  readonly force?: boolean;
  /** How long the guest may take to power off, in milliseconds. Default: 90000. */
  readonly timeoutMs?: number;
}

/** How long a start that has no keeper yet may take to have one, and one that was ended to clear away what it began. */
const patienceMs = 120_000;
/** So many keepers may be lost on the way. */
const mostAdoptions = 3;

/**
 * Stops a machine; a stopped one is left as it is. It waits for no lock before it has asked, so that a start that hangs can be ended.
 * The spec is there for its `beforeStop` hooks; without it none fires. Throws MachineError "busy" where another verb goes on and on.
 */
export async function stop(record: MachineRecord, spec: ResolvedSpec | undefined, run: Run, options: StopOptions = {}): Promise<void> {
  const { name } = record;
  const files = run.paths.machine(name);
  // A guest that runs without its keeper is asked like any other.
  const asks = !options.force && (await ifPossible(() => adoptOrphan(name, run), run)) !== "silent";
  const { state } = await stateOf(name, run.paths);
  if (state === "running" && spec && !options.force) {
    try {
      await new VerbHooks(spec, run).fire("beforeStop", recordedInfo(record, spec, run.paths), { ssh: keeperShell(files.keeperSocket) });
    } catch (error) {
      run.report.warn(messageOf(error));
    }
  }
  step("stop.hooks");
  await bringDown(name, run, options, asks);
}

/** Ends whatever runs of a machine, also of one whose record cannot be read. With `asks` a guest whose keeper was lost is asked as well. */
export async function bringDown(name: string, run: Run, options: StopOptions = {}, asks = !options.force): Promise<void> {
  const files = run.paths.machine(name);
  if (!livingKeeper(files) && !existsSync(files.runtime)) return;
  const lock = await lockOnceDown(name, run, options, asks);
  try {
    step("stop.locked");
    if (lock) await sweep(name, run);
    step("stop.swept");
  } finally {
    lock?.release();
  }
}

/**
 * Ends the machine's keeper, or the one that a start at work is about to bring up, and then takes the machine's lock.
 * Undefined where somebody else has it and has begun anew: what is there by then is not ours to sweep away.
 */
async function lockOnceDown(name: string, run: Run, options: StopOptions, asks: boolean): Promise<Lock | undefined> {
  const files = run.paths.machine(name);
  const told = new Set<string>();
  const tell = (holder: string): void => {
    if (!told.has(holder)) run.report.info(`waiting for ${holder}`);
    told.add(holder);
  };
  let ended = false;
  let adoptions = 0;
  for (const limit = performance.now() + patienceMs; ; ) {
    const keeper = livingKeeper(files);
    if (keeper && ended) return undefined;
    if (keeper) await endKeeper(name, keeper, run, options);
    ended ||= keeper !== undefined;
    try {
      const lock = await takeLock(files.lock, { signal: run.signal, purpose: `glowplug stop ${name}`, timeoutMs: 250, evenWithoutRoom: true, onWait: tell });
      if (!asks || adoptions === mostAdoptions || !(await adoptedUnder(lock, name, run))) return lock;
      adoptions += 1;
      ended = false;
    } catch (error) {
      if (!isMachineError(error) || error.code !== "busy" || performance.now() > limit) throw error;
    }
  }
}

/** A keeper that was lost, be it in the middle of a stop, has left a guest that is to be asked. Where it has another now the lock is given free. */
async function adoptedUnder(lock: Lock, name: string, run: Run): Promise<boolean> {
  let keepsLock = false;
  try {
    keepsLock = (await ifPossible(() => adoptLocked(name, run), run)) !== true;
    return !keepsLock;
  } finally {
    if (!keepsLock) lock.release();
  }
}

/** A machine that cannot be given another keeper is told of, and ended without asking its guest; silent where its VM does not answer. */
async function ifPossible<T>(adopt: () => Promise<T>, { report }: Run): Promise<T | "silent" | "failed"> {
  try {
    return await adopt();
  } catch (error) {
    if (!isMachineError(error) || error.code === "interrupted" || error.code === "busy") throw error;
    report.warn(error.message);
    return error.code === "keeper" ? "silent" : "failed";
  }
}

async function endKeeper(name: string, keeper: ProcessIdentity, run: Run, { force = false, timeoutMs = 90_000 }: StopOptions): Promise<void> {
  const files = run.paths.machine(name);
  const phase = run.report.phase(`stopping ${name}`);
  await withKeeperSpans(run, files, () => askedToStop(files, keeper, { force, timeoutMs }));
  step("stop.asked");
  phase.done();
}
