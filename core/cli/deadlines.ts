import { MachineError } from "../errors.ts";
import { phases, type Deadlines, type Phase } from "../keeper/plan.ts";
import { didYouMean } from "../suggest.ts";
import { parseDuration } from "../units.ts";
import { list } from "./flags.ts";

/** Limits of single phases of a start, for hosts that are slower than most. */
export const deadlineFlag = list("--deadline <phase=time>", "Limit of a phase of the start: ready=30m");

/** Reads "ready=30m" words. Throws MachineError "usage". */
export function deadlinesOf(words: readonly string[] | undefined): Partial<Deadlines> {
  return Object.fromEntries((words ?? []).map((word) => {
    const [phase = "", time = ""] = word.split("=", 2);
    if (!phases.includes(phase as Phase)) {
      throw new MachineError("usage", `--deadline ${word}: there is no phase ${JSON.stringify(phase)}${didYouMean(phase, phases)}`, { hint: `The phases are ${phases.join(", ")}.` });
    }
    return [`${phase}Ms`, parseDuration(time)];
  }));
}
