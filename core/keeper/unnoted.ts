import type { CommandRecord } from "../command.ts";
import { endGroup } from "../process-group.ts";
import { processesRunning } from "../process-table.ts";
import type { KeeperPlan } from "./plan.ts";

/** Ends what runs these words of a plan and stands in no list: its keeper was killed before it could write that down. */
export async function endUnnoted(command: CommandRecord, { folders }: KeeperPlan): Promise<void> {
  await Promise.all(processesRunning([command], folders.runtime).map(endGroup));
}
