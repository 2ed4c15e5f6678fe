import { canJoinLan, lanPlace } from "../lan.ts";
import type { LanPlan } from "../keeper/lan/plan.ts";
import type { LanPlace, MachineRecord } from "../record.ts";
import type { BootInput } from "../roles/launcher.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { listRecords } from "../store.ts";

/** A machine's place on its network: the one in its record as long as that is the same network. Undefined where it has none. */
export function placeOf(spec: ResolvedSpec, record: MachineRecord | undefined, { paths }: Pick<Run, "paths">): LanPlace | undefined {
  if (spec.network === undefined || !canJoinLan(spec)) return undefined;
  if (record?.lan?.network === spec.network) return record.lan;
  return lanPlace(spec.network, spec.name, paths.machine(spec.name).data, listRecords(paths).records);
}

/** The record with the place in it, or without any. */
export function withPlace({ lan: _, ...record }: MachineRecord, lan: LanPlace | undefined): MachineRecord {
  return lan ? { ...record, lan } : record;
}

/** The second card, for the launcher. */
export function lanLink(spec: ResolvedSpec, lan: LanPlace | undefined, { paths }: Pick<Run, "paths">): Pick<BootInput, "lan"> {
  return lan ? { lan: { kind: "unix-stream", mac: lan.mac, path: paths.machine(spec.name).lanCard } } : {};
}

/** What the keeper needs to know of the network: where the other machines' keepers listen when they run. */
export function lanPlanOf(name: string, lan: LanPlace, { paths }: Pick<Run, "paths">): LanPlan {
  const { lanCard: card, lanOwn: own } = paths.machine(name);
  return { network: lan.network, name, card, own, others: Object.fromEntries(membersOf(lan.network, { paths }).filter((other) => other.name !== name).map((other) => [other.name, paths.machine(other.name).lanOwn])) };
}

/** Every machine on a network, by its record. */
export function membersOf(network: string, { paths }: Pick<Run, "paths">): readonly (MachineRecord & { readonly lan: LanPlace })[] {
  return listRecords(paths).records.flatMap((record) => (record.lan?.network === network ? [{ ...record, lan: record.lan }] : []));
}
