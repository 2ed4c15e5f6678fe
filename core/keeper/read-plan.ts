import { readFileSync } from "node:fs";
import { MachineError } from "../errors.ts";
import type { MachinePaths } from "../paths.ts";
import type { KeeperPlan } from "./plan.ts";

/** What a running machine was started with. Throws MachineError "keeper" where it cannot be read. */
export function readKeeperPlan({ keeperPlan }: MachinePaths): KeeperPlan {
  try {
    return JSON.parse(readFileSync(keeperPlan, "utf8")) as KeeperPlan;
  } catch (cause) {
    throw new MachineError("keeper", `the plan of the running machine, ${keeperPlan}, cannot be read`, { cause, hint: "`glowplug restart` writes it anew." });
  }
}
