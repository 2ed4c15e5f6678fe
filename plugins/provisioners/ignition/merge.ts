import { isObject } from "glowplug";

/** Part of an Ignition config, as plain data. */
export type IgnitionFragment = Readonly<Record<string, unknown>>;

/**
 * Merges a fragment into a config by Ignition's own rules (coreos/ignition, config/merge): objects field by field, lists of named
 * things (users, files, units, ...) entry by entry, other lists one after the other; anything else is replaced.
 */
export function mergeFragment(base: IgnitionFragment, fragment: IgnitionFragment): IgnitionFragment {
  return merged(base, fragment) as IgnitionFragment;
}

function merged(left: unknown, right: unknown): unknown {
  if (Array.isArray(left) && Array.isArray(right)) return mergedLists(left, right);
  if (!isObject(left) || !isObject(right)) return right;
  const result: Record<string, unknown> = { ...left };
  for (const [key, value] of Object.entries(right)) result[key] = key in left ? merged(left[key], value) : value;
  return result;
}

function mergedLists(left: readonly unknown[], right: readonly unknown[]): unknown[] {
  const result = [...left];
  for (const item of right) {
    const key = keyOf(item);
    const at = key === undefined ? -1 : result.findIndex((other) => keyOf(other) === key);
    if (at >= 0) result[at] = merged(result[at], item);
    else if (key !== undefined || !result.includes(item)) result.push(item);
  }
  return result;
}

/** What makes two entries the same thing: a node's path, anything else's name. */
function keyOf(item: unknown): string | undefined {
  if (!isObject(item)) return undefined;
  const key = item["path"] ?? item["name"];
  return typeof key === "string" ? key : undefined;
}
