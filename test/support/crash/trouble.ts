import { processesOf, type Ended } from "../world.ts";
import { faultsOf } from "./check.ts";
import type { CrashWorld } from "./crash-world.ts";
import type { Order, TakenStep, Victim } from "./order.ts";
import type { CrashVerb } from "./verbs.ts";

/** What goes wrong at a step of a verb. */
export interface Trouble {
  readonly title: string;
  order(world: CrashWorld): Order;
  /** What is wrong with the answer of the verb, and with what is there then. Default: nothing is. */
  faults?(ended: Ended, verb: CrashVerb, world: CrashWorld, at: TakenStep): Promise<readonly string[]> | readonly string[];
}

const year = 366 * 86_400_000;

export function killed(victim: Victim): Trouble {
  return { title: `${victim} killed`, order: () => ({ victim }) };
}

/** A signal that asks the command line to end: what it began is undone, or it is done. */
export function asked(signal: "SIGTERM" | "SIGHUP"): Trouble {
  return { title: `${signal} for the command line`, order: () => ({ victim: "cli", signal }), faults: (ended, verb, world, { step }) => isUndone(ended, verb, world, step, signal === "SIGTERM" ? 143 : 129) };
}

export const terminalClosed: Trouble = { title: "terminal closed", order: () => ({ victim: "terminal" }), faults: ({ code, stdout }) => (code === null ? [`it hangs: ${stdout}`] : []) };

export const clockJumps: readonly Trouble[] = [["a year ahead", year], ["a year back", -year]].map(([where, clock]) => ({
  title: `clock jumps ${where}`, order: () => ({ clock: Number(clock) }),
  faults: ({ code, stderr }) => (code === 0 ? [] : [`it ended with ${code ?? "no answer"}: ${stderr}`]),
}));

/** From one write on there is no room for any. `disk` finds the small disk of the world. */
export function diskFull(disk: (world: CrashWorld) => string): Trouble {
  return { title: "disk full", order: (world) => ({ writes: true, fill: disk(world) }), faults: toldAs(/no space is left|ENOSPC/) };
}

/** The verb did what it was to do, or says why it did not. A machine that was to be stopped does not run in either case. */
export function toldAs(reason: RegExp): NonNullable<Trouble["faults"]> {
  return ({ code, stderr }, { argv, stops }, world) => {
    if (code === 0) return [];
    const what = `glowplug ${argv.join(" ")} ended with ${code ?? "no answer"}: ${stderr}`;
    return [
      ...(code === 125 && reason.test(stderr) ? [] : [`told as something else: ${what}`]),
      ...(stops ? processesOf(world.folder).map((line) => `still runs: ${line}`) : []),
    ];
  };
}

/** From these steps on a machine is up, and stays so. */
export const isUp = /^start\.(up|record|mounted|done)$/;

/** Nothing is left of a verb that was asked to end. */
async function isUndone({ code, stdout, stderr }: Ended, { argv, from, removes }: CrashVerb, world: CrashWorld, step: string, status: number): Promise<readonly string[]> {
  if (code === 0) return [];
  if (code !== status) return [`glowplug ${argv.join(" ")} ended with ${code ?? "no answer"}, not ${status}: ${stdout}${stderr}`];
  if (removes || from === "running" || from === "orphaned" || isUp.test(step)) return [];
  return faultsOf(world, { machine: from === "made", data: from === "made" });
}
