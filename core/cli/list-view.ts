import { leadsTo } from "../connections/default.ts";
import type { Status } from "../machine.ts";
import type { MachineRecord } from "../record.ts";
import { formatSize } from "../units.ts";
import { Shown, Stamp } from "./format.ts";
import { acceleratorView, neverIso, podmanState, portsText, portsView } from "./machine-view.ts";
import { defaultName } from "./subject.ts";
import { ago } from "./times.ts";

/** A machine that has a record. */
export interface Listed {
  readonly record: MachineRecord;
  readonly status: Status;
}

/** podman's columns: a template as `--format "table ..."` would have it. */
export const defaultColumns = "table {{.Name}}\t{{.VMType}}\t{{.Created}}\t{{.LastUp}}\t{{.CPUs}}\t{{.Memory}}\t{{.DiskSize}}";
/** Headers that are not the field's name in capitals. */
export const headers: Readonly<Record<string, string>> = { CPUs: "CPUS", LastUp: "LAST UP" };

/** When the list is made, and what podman's default connection is called. */
export interface Around {
  readonly now: number;
  readonly connection: string | undefined;
}

type Field = (machine: Listed, around: Around) => unknown;

/** A list's fields: podman's first, with its types (sizes are texts of bytes), then ours. In templates they read as people like them. */
const fields = {
  Name: ({ record: { name } }, around) => shownName(name, around),
  Default: ({ record: { name } }, around) => isDefault(name, around),
  Created: ({ record: { created } }, { now }) => new Stamp(created, ago(new Date(created), now)),
  Running: ({ status }) => podmanState(status.state) === "running",
  Starting: ({ status }) => status.state === "starting",
  LastUp: ({ record: { lastUp }, status }, { now }) => new Stamp(lastUp ?? neverIso, lastUpText(status.state, lastUp, now)),
  Stream: () => "default",
  VMType: ({ record: { spec } }) => spec.launcher,
  CPUs: ({ record: { spec } }) => spec.cpus,
  Memory: ({ record: { spec } }) => new Shown(String(spec.memory), formatSize(spec.memory)),
  Swap: ({ record: { spec } }) => new Shown(String(spec.swap), formatSize(spec.swap)),
  DiskSize: ({ record: { spec } }) => new Shown(String(spec.disk), formatSize(spec.disk)),
  Port: ({ record: { ssh } }) => ssh.port,
  RemoteUsername: ({ record: { ssh } }) => ssh.user,
  IdentityPath: ({ record: { ssh } }) => ssh.keyFile,
  UserModeNetworking: () => true,
  State: ({ status }) => podmanState(status.state),
  Condition: ({ status }) => status.condition,
  Reason: ({ status }) => status.reason ?? "",
  Accelerator: ({ record, status: { keeper } }) => acceleratorView(record, keeper),
  Forwarder: ({ record: { spec } }) => spec.forwarder,
  Ports: ({ record, status: { keeper } }) => new Shown(portsView(record, keeper), portsText(keeper?.ports ?? record.spec.ports)),
  Image: ({ record: { image } }) => image.title,
  Script: ({ record: { spec } }) => spec.script ?? "",
} as const satisfies Readonly<Record<string, Field>>;

export const listFields: readonly string[] = Object.keys(fields);

/** One machine as `list` shows it. */
export function listItem(machine: Listed, around: Around): object {
  return Object.fromEntries(Object.entries(fields).map(([name, field]: [string, Field]) => [name, field(machine, around)]));
}

/** A machine whose record cannot be read: it is shown, since it is there. */
export function damagedItem({ name, problem }: { readonly name: string; readonly problem: string }, around: Around): object {
  const unknown = Object.fromEntries(listFields.map((field) => [field, ""]));
  const never = new Stamp(neverIso, "");
  return {
    ...unknown, Name: shownName(name, around), Default: isDefault(name, around), Created: never, LastUp: never, Running: false, Starting: false,
    CPUs: new Shown(0, ""), Memory: new Shown("0", ""), Swap: new Shown("0", ""), DiskSize: new Shown("0", ""), Port: 0, UserModeNetworking: true,
    State: "unknown", Condition: "broken", Reason: problem, Accelerator: { Asked: null, Effective: null }, Ports: [],
  };
}

/** The machine that podman's default connection leads to; where podman has none, the one that verbs mean when none is named. */
function isDefault(name: string, { connection }: Around): boolean {
  return connection === undefined ? name === defaultName : leadsTo(connection, name);
}

function shownName(name: string, around: Around): Shown {
  return new Shown(name, isDefault(name, around) ? `${name}*` : name);
}

/** podman's order: what runs first, then the one that was up last. */
export function inListOrder(machines: readonly Listed[]): Listed[] {
  const rank = ({ status: { state } }: Listed): number => (podmanState(state) === "running" ? 0 : 1);
  return [...machines].sort((a, b) => rank(a) - rank(b) || compare(b.record.lastUp ?? "", a.record.lastUp ?? "") || compare(a.record.name, b.record.name));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function lastUpText(state: Status["state"], lastUp: string | null, now: number): string {
  const current = podmanState(state);
  if (current === "starting") return "Currently starting";
  if (current === "running") return "Currently running";
  return lastUp === null ? "Never" : ago(new Date(lastUp), now);
}
