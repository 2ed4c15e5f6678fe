import { isDeepStrictEqual } from "node:util";
import type { GuestFile, GuestUnit, ResolvedPort, Share, SocketForward } from "../model.ts";
import type { SavedSpec, ValueSource } from "../spec-types.ts";
import { formatSize } from "../units.ts";
import { defaults } from "./defaults.ts";
import { portText } from "./ports.ts";

/** When a change takes effect. first-boot-only: never in a machine that exists. live: also while it runs. */
export type ChangeKind = "first-boot-only" | "next-start" | "live";

/** One field that says something else than what a machine was made of or last started with. */
export interface SpecChange {
  readonly field: ChangingField;
  readonly from: unknown;
  readonly to: unknown;
  readonly kind: ChangeKind;
  /** Who says the new value. */
  readonly source: ValueSource;
}

/** Who the machine is, and where values come from, is no change of it. */
type ChangingField = Exclude<keyof SavedSpec, "name" | "script" | "sources">;

/** The kind of a change of each field; of some it depends on the direction. */
const kinds: Readonly<Record<ChangingField, ChangeKind | ((from: never, to: never) => ChangeKind)>> = {
  cpus: "next-start", memory: "next-start", usb: "next-start", importNativeCa: "next-start", proxy: "next-start",
  // The guest's file system grows with its disk; one that shrinks would lose its end.
  disk: (from: number, to: number) => (to > from ? "next-start" : "first-boot-only"),
  image: "first-boot-only", provisioner: "first-boot-only", launcher: "next-start", forwarder: "next-start",
  ports: "live", guestPorts: "next-start", sockets: "next-start", volumes: "next-start", restart: "next-start", plugins: "next-start", rootful: "next-start", network: "next-start",
  files: "first-boot-only", units: "first-boot-only", packages: "first-boot-only", run: "first-boot-only", user: "first-boot-only", timezone: "first-boot-only",
  swap: "first-boot-only", playbook: "first-boot-only", ignitionPath: "first-boot-only",
  // It can be left alone in a guest that has it, but not be brought into one that was made without.
  podman: (_from: boolean, to: boolean) => (to ? "first-boot-only" : "next-start"),
};

/**
 * What a spec says now against what the record holds, field by field. A first-boot-only value that nobody wrote down, such as the
 * user that another image brings along or the zone of a host that travels, is no change that can be told to anybody.
 */
export function specChanges(before: SavedSpec, now: SavedSpec): readonly SpecChange[] {
  return allChanges(before, now).filter(({ field, kind }) => kind !== "first-boot-only" || now.sources[field] !== "default" || before.sources[field] !== "default");
}

/** What the record keeps of a spec that a machine was started with: first-boot-only fields stay as they were at init. */
export function keepFirstBoot(before: SavedSpec, now: SavedSpec): SavedSpec {
  const kept = allChanges(before, now).filter(({ kind }) => kind === "first-boot-only");
  return {
    ...now, ...Object.fromEntries(kept.map(({ field, from }) => [field, from])),
    sources: { ...now.sources, ...Object.fromEntries(kept.map(({ field }) => [field, before.sources[field] ?? "default"])) },
  };
}

/** Whether a field can never be changed in a machine that exists. */
export function isFixed(field: string): boolean {
  return Object.entries(kinds).some(([name, kind]) => name === field && kind === "first-boot-only");
}

/** "memory: 2GiB → 4GiB", "packages: +nginx, -curl". */
export function changeText({ field, from, to }: SpecChange): string {
  if (Array.isArray(from) && Array.isArray(to)) return `${field}: ${listText(field, from, to)}`;
  return `${field}: ${valueText(field, from)} → ${valueText(field, to)}`;
}

/** The same with when it takes effect, and what to type where that is not now. `script` is what makes the machine anew. */
export function changeLine(change: SpecChange, machine: { readonly name: string; readonly script?: string | undefined; readonly running: boolean }): string {
  const { name, script, running } = machine;
  const text = changeText(change);
  if (change.kind === "first-boot-only") return `${text}, which only a new machine gets: glowplug rm ${name}, then glowplug init ${script ?? name}`;
  // A flag is for one start, so a restart would know nothing of it.
  if (running && change.kind === "next-start" && change.source === "flag") return `${text}, takes effect in a stopped machine: glowplug stop ${name}, then the same again`;
  if (running && change.kind === "next-start") return `${text}, takes effect at the next start: glowplug restart ${name}`;
  return `${text}, takes effect now${change.field === "plugins" ? ", but for what first boot does" : ""}`;
}

function allChanges(before: SavedSpec, now: SavedSpec): readonly SpecChange[] {
  return (Object.keys(kinds) as ChangingField[]).flatMap((field) => {
    const [from, to] = [valueOf(before, field), valueOf(now, field)];
    if (isDeepStrictEqual(from, to)) return [];
    const kind = kinds[field];
    return [{ field, from, to, kind: typeof kind === "function" ? kind(from as never, to as never) : kind, source: now.sources[field] ?? "default" }];
  });
}

/** Slots and what a field switches on stand among the plugins too, and are told under their own fields. */
function valueOf(spec: SavedSpec, field: ChangingField): unknown {
  if (field !== "plugins") return spec[field];
  const told = [spec.image, spec.provisioner, spec.launcher, spec.forwarder, ...Object.values(defaults.addons)];
  return spec.plugins.filter((name) => !told.includes(name));
}

function valueText(field: ChangingField, value: unknown): string {
  return typeof value === "number" && (field === "memory" || field === "disk" || field === "swap") ? formatSize(value) : String(value ?? "none");
}

/** What items of a list are told apart by, and shown as. */
const names: Readonly<Partial<Record<ChangingField, (item: never) => string>>> = {
  ports: (port: ResolvedPort) => portText(port),
  sockets: ({ host }: SocketForward) => host,
  volumes: ({ source, target, readOnly }: Required<Share>) => `${source}:${target}${readOnly ? ":ro" : ""}`,
  files: ({ path }: GuestFile) => path,
  units: ({ name }: GuestUnit) => name,
  run: (line: string) => JSON.stringify(line.length > 40 ? `${line.slice(0, 39)}…` : line),
};

function listText(field: ChangingField, from: readonly unknown[], to: readonly unknown[]): string {
  const name = (item: unknown): string => (names[field] as ((item: unknown) => string) | undefined)?.(item) ?? String(item);
  const find = (list: readonly unknown[], item: unknown): unknown => list.find((other) => name(other) === name(item));
  const parts = [
    ...to.filter((item) => find(from, item) === undefined).map((item) => `+${name(item)}`),
    ...from.filter((item) => find(to, item) === undefined).map((item) => `-${name(item)}`),
    ...to.filter((item) => find(from, item) !== undefined && !isDeepStrictEqual(find(from, item), item)).map((item) => `${name(item)} changed`),
  ];
  return parts.length > 0 ? parts.join(", ") : "another order";
}
