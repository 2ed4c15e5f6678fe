import { messageOf } from "../errors.ts";
import { settleGuest } from "../lifecycle/settle.ts";
import type { Parts } from "./parts.ts";

/** Gives a machine that was started again what it was given while it ran: ports and folders. What cannot be had again is a problem of it. */
export async function carryOver(before: Parts, now: Parts): Promise<void> {
  const { plan, ports, shares, problems, connections } = now;
  await ports.carryOver(before.ports.own);
  const there = new Set(shares.list.map(({ share }) => share.target));
  const added = before.shares.list.filter(({ share }) => !there.has(share.target));
  try {
    for (const { share } of added) await shares.add(share);
    if (shares.list.length > 0) await settleGuest({ mounts: shares.list }, connections.shell(), plan.ssh.user);
  } catch (error) {
    problems.set("volumes", messageOf(error));
  }
}
