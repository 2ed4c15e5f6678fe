import { isMachineError } from "../errors.ts";
import { within } from "../limit.ts";
import { again } from "./again.ts";
import type { Parts } from "./parts.ts";
import { replugNic } from "./replug.ts";

/**
 * Gives the guest its network back behind a forwarder that has come in place of another, and opens every port anew that was open.
 * A VM without a plan for it connects to the new one by itself. Returns when ssh answers; rejects where it does not.
 */
export async function relink({ plan, control, ports, connections }: Parts, signal: AbortSignal): Promise<void> {
  if (plan.replug && control.qmp) await replugNic(control.qmp, plan.replug);
  await ports.reopen();
  const limit = within(plan.deadlines.sshMs, signal);
  await again(() => connections.as(), limit, (error) => isMachineError(error) && error.code === "host-key");
}
