import { readFileSync } from "node:fs";
import { writeFileDurably } from "../atomic.ts";
import type { KeeperPlan } from "../keeper/plan.ts";
import type { KeeperStatus } from "../keeper/protocol.ts";
import { fingerprint } from "../keys.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { renderKnownHosts } from "../ssh-config.ts";

/**
 * The record with the guest's host key. Ours are made on the host and known before the first boot; that of a guest which was made elsewhere
 * is learned once, at its first start here, said, and pinned from then on: in the record, for OpenSSH, and in what the keeper goes by.
 */
export async function withHostKey(record: MachineRecord, { learnedHostKey }: KeeperStatus, { paths, report }: Run): Promise<MachineRecord> {
  if (record.ssh.hostKey !== "" || learnedHostKey === undefined) return record;
  const { keeperPlan, knownHosts } = paths.machine(record.name);
  const plan = JSON.parse(readFileSync(keeperPlan, "utf8")) as KeeperPlan;
  await writeFileDurably(keeperPlan, JSON.stringify({ ...plan, ssh: { ...plan.ssh, hostKey: learnedHostKey } } satisfies KeeperPlan));
  await writeFileDurably(knownHosts, renderKnownHosts(record.name, learnedHostKey));
  report.warn(`nobody knew the host key of ${record.name} yet: the guest showed ${fingerprint(learnedHostKey)}, and no other is taken from now on`);
  return { ...record, ssh: { ...record.ssh, hostKey: learnedHostKey } };
}
