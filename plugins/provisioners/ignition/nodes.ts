import { isObject, MachineError } from "glowplug";
import type { IgnitionFragment } from "./merge.ts";

const kinds = { directories: "a folder", files: "a file", links: "a link" } as const;

/** Refuses a config in which one path is two kinds of thing: Ignition would end the first boot over it. Throws MachineError "conflict". */
export function checkNodes(config: IgnitionFragment): void {
  const storage = config["storage"];
  if (!isObject(storage)) return;
  const seen = new Map<string, string>();
  for (const [list, kind] of Object.entries(kinds)) {
    const nodes = storage[list];
    for (const node of Array.isArray(nodes) ? nodes : []) {
      const path = isObject(node) ? String(node["path"]) : "";
      const other = seen.get(path);
      if (other !== undefined) {
        throw new MachineError("conflict", `the guest's path ${path} is ${other} and ${kind} at once, in what is merged into the Ignition config`, { hint: "Let the config say nothing about it, or another path.", plugin: "ignition" });
      }
      seen.set(path, kind);
    }
  }
}
