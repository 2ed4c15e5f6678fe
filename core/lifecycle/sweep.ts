import { readFileSync } from "node:fs";
import type { CommandRecord } from "../command.ts";
import { pause } from "../keeper/again.ts";
import type { KeeperPlan } from "../keeper/plan.ts";
import { helperCommand } from "../keeper/share-commands.ts";
import { readShareNotes } from "../keeper/share-notes.ts";
import type { MachinePaths } from "../paths.ts";
import { isGroupAlive, killGroup } from "../process-group.ts";
import { isAlive, killIdentity, type ProcessIdentity } from "../process-identity.ts";
import { processesRunning } from "../process-table.ts";
import { removeTree } from "../remove-tree.ts";
import type { Run } from "../run.ts";
import { livingKeeper, orphansOf } from "./status.ts";

/** How long a process may take to end by itself: QEMU writes down what it still holds of its disk. */
const graceMs = 3000;
/** How long the system may take to let a process go that it was told to kill. */
const killMs = 10_000;

/**
 * Ends whatever a killed keeper left behind and clears the runtime folder, so that a machine is either up or gone. Under the machine's lock
 * alone: without it, what another verb has just begun would be taken for a leftover.
 */
export async function sweep(name: string, run: Run): Promise<void> {
  const files = run.paths.machine(name);
  const left = leftProcesses(files);
  // A keeper that does not answer goes first, and at once: it might bring back what it sees end.
  const [keeper] = left.filter(({ pid }) => pid === livingKeeper(files)?.pid);
  if (keeper) await endAll([keeper], "SIGKILL", killMs);
  await endAll(left, "SIGTERM", graceMs);
  await endAll(left, "SIGKILL", killMs);
  if (left.length > 0) run.report.info(`ended ${left.length === 1 ? "a process" : `${left.length} processes`} that a lost keeper left behind`);
  removeTree(files.runtime);
}

/** Each goes with what it started: a fence may have died before the program in it. */
async function endAll(processes: readonly ProcessIdentity[], signal: NodeJS.Signals, limitMs: number): Promise<void> {
  for (const identity of processes) if (!killGroup(identity, signal)) killIdentity(identity, signal);
  const isThere = (identity: ProcessIdentity): boolean => isAlive(identity) || isGroupAlive(identity);
  for (const limit = performance.now() + limitMs; processes.some(isThere) && performance.now() < limit; ) await pause(20);
}

/** The keeper, the processes that it wrote down, and those that run the words of its plan: a keeper may be killed before it wrote one down. */
function leftProcesses(files: MachinePaths): readonly ProcessIdentity[] {
  const keeper = livingKeeper(files);
  const known = [...(keeper ? [keeper] : []), ...orphansOf(files).map(({ identity }) => identity)];
  const others = processesRunning(plannedCommands(files), files.runtime).filter(({ pid }) => !known.some((one) => one.pid === pid));
  return [...known, ...others];
}

function plannedCommands({ keeperPlan }: MachinePaths): readonly CommandRecord[] {
  try {
    const plan = JSON.parse(readFileSync(keeperPlan, "utf8")) as KeeperPlan;
    const { forwarder, helpers, vm } = plan;
    // Volumes that came while it ran are served by helpers that the plan has no list of.
    const later = (readShareNotes(plan) ?? []).flatMap((mount) => helperCommand(plan, mount) ?? []);
    return [...(forwarder ? [forwarder.command] : []), ...helpers.map(({ command }) => command), ...later, vm];
  } catch {
    return []; // no plan, so nothing was spawned
  }
}
