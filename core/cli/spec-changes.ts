import { isDeepStrictEqual } from "node:util";
import type { SavedSpec } from "../spec-types.ts";
import { formatSize } from "../units.ts";

/** When a change takes hold: at the next start, or never in a machine that exists. */
type Cost = "next start" | "new machine";

const costs: Readonly<Partial<Record<keyof SavedSpec, Cost>>> = {
  cpus: "next start", memory: "next start", launcher: "next start", forwarder: "next start", volumes: "next start", ports: "next start", sockets: "next start", restart: "next start",
  disk: "new machine", image: "new machine", provisioner: "new machine", user: "new machine", rootful: "new machine", timezone: "new machine", podman: "new machine",
  files: "new machine", units: "new machine", packages: "new machine", run: "new machine",
};

/** One field that differs from what the machine was made or last started with. */
export interface SpecChange {
  readonly field: string;
  /** "cpus: 2 is now 4" */
  readonly text: string;
  readonly cost: Cost;
}

/** What a script says now against what the record holds. */
export function specChanges(before: SavedSpec, now: SavedSpec): SpecChange[] {
  return Object.entries(costs).flatMap(([name, cost]) => {
    const field = name as keyof SavedSpec;
    const [was, is] = [before[field], now[field]];
    if (isDeepStrictEqual(was, is)) return [];
    return [{ field, text: isPlain(was) && isPlain(is) ? `${field}: ${shown(field, was)} is now ${shown(field, is)}` : `${field} changed`, cost }];
  });
}

/** What each kind of change costs, as lines for people. */
export function changeLines(changes: readonly SpecChange[], name: string, isRunning: boolean): string[] {
  const ends: Readonly<Record<Cost, string>> = {
    "next start": isRunning ? `takes hold at the next start: glowplug restart ${name}` : "takes hold now",
    "new machine": `reaches new machines alone: glowplug rm ${name}, then glowplug up`,
  };
  return changes.map(({ text, cost }) => `${text}; this ${ends[cost]}`);
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
function shown(field: string, value: string | number | boolean): string {
  return typeof value === "number" && (field === "memory" || field === "disk") ? formatSize(value) : String(value);
}
