import { MachineError } from "../errors.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { statusOf } from "../lifecycle/status.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { readRecord } from "../store.ts";

/** A machine that runs. */
export interface RunningMachine {
  readonly record: MachineRecord;
  readonly keeper: KeeperStatus | undefined;
}

/** The machine of a name. Throws MachineError "no-machine", and "wrong-state" where it does not run. */
export async function runningMachine(name: string, run: Run): Promise<RunningMachine> {
  const record = readRecord(run.paths, name);
  if (!record) throw noSuchMachine(name);
  return { record, keeper: await checkRunning(record, run) };
}

/**
 * What the keeper of a machine says; one that has lost it gets another first. Throws MachineError "wrong-state", in podman's words, where the
 * machine does not run.
 */
export async function checkRunning(record: MachineRecord, run: Run): Promise<KeeperStatus | undefined> {
  let status = await statusOf(record, run.paths);
  if (status.state === "orphaned") {
    await (await import("../lifecycle/adopt.ts")).adoptOrphan(record.name, run);
    status = await statusOf(record, run.paths);
  }
  const { state, reason, keeper } = status;
  if (state === "running") return keeper;
  throw new MachineError("wrong-state", `vm "${record.name}" is not running${state === "stopped" ? "" : `: it is ${state}`}`, {
    hint: `Start it with \`glowplug start ${record.name}\`.`, ...(reason !== undefined && { details: [reason] }),
  });
}
