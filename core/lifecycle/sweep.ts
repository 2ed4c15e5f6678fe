import { readFileSync, rmSync } from "node:fs";
import { again } from "../keeper/again.ts";
import { isAlive, killIdentity, type ProcessIdentity } from "../process-identity.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { isKeeperAlive, orphansOf } from "./status.ts";

/** Ends whatever a killed keeper left behind and clears the runtime folder, so that a machine is either up or gone. */
export async function sweep(record: MachineRecord, run: Run): Promise<void> {
  const files = run.paths.machine(record.name);
  const left: ProcessIdentity[] = orphansOf(files).map(({ identity }) => identity);
  if (isKeeperAlive(files)) left.push(JSON.parse(readFileSync(files.keeperProcess, "utf8")) as ProcessIdentity);
  for (const identity of left) killIdentity(identity, "SIGKILL");
  const limit = AbortSignal.timeout(10_000);
  await again(async () => {
    if (left.some(isAlive)) throw new Error("still there");
  }, limit, () => false);
  if (left.length > 0) run.report.info(`ended ${left.length} processes that a lost keeper left behind`);
  rmSync(files.runtime, { recursive: true, force: true });
}
