import type { Ended } from "../world.ts";
import { faultsOf } from "./check.ts";
import type { CrashWorld } from "./crash-world.ts";
import type { TakenStep } from "./order.ts";
import { isUp, type Trouble } from "./trouble.ts";
import type { CrashVerb } from "./verbs.ts";

/** A verb, the step at which something goes wrong, and what is done then. */
export interface Experiment {
  readonly verb: CrashVerb;
  readonly at: TakenStep;
  readonly trouble: Trouble;
  /** again: the verb is repeated, and the machine stopped. onwards: the machine is started, used, stopped and removed, without a look at what happened. */
  readonly follow: "again" | "onwards";
}

export interface Outcome {
  /** Whether it went wrong: there may have been nobody to be ended. */
  readonly isDone: boolean;
  readonly faults: readonly string[];
}

export function titleOf({ verb, at, trouble, follow }: Experiment): string {
  return `${verb.title}: ${trouble.title} at ${at.role === "cli" ? "" : at.born === "before" ? "(the keeper that ran) " : "(keeper) "}${at.step}${at.nth > 1 ? ` (${at.nth})` : ""}, then ${follow}`;
}

/** Makes trouble, follows, and looks at what is left. */
export async function perform<W extends CrashWorld>({ verb, at, trouble, follow }: Experiment, world: W, relieve: (world: W) => void = () => {}): Promise<Outcome> {
  const { ended, ordered } = await world.under({ ...at, ...trouble.order(world) }, verb);
  const { isDone } = ordered;
  const answered = isDone ? ((await trouble.faults?.(ended, verb, world, at)) ?? []) : [];
  relieve(world);
  // A verb may end well although somebody was killed, and one that ends at its end has done it all.
  const mayRun = ended.code === 0 || at.step === "start.done" || (ended.code !== null && isUp.test(at.step)) || verb.from === "running" || verb.from === "orphaned";
  const left = follow === "again" ? await again(verb, world) : await onwards(verb, mayRun, world);
  return { isDone, faults: [...answered, ...left] };
}

/** Repeats the verb, which must come to what was wanted; then the machine must be as good as ever. */
export async function again(verb: CrashVerb, world: CrashWorld): Promise<readonly string[]> {
  let ended = await world.glowplug(...verb.argv);
  if (verb.needs === "running" && ended.code !== 0 && /vm "box" is not running/.test(ended.stderr)) {
    const faults = await mustDo(world, ["start", "box"]);
    if (faults.length > 0) return faults;
    ended = await world.glowplug(...verb.argv);
  }
  if (ended.code !== 0 && !verb.done?.test(ended.stderr)) return [told(verb.argv, ended)];
  if (verb.removes) return faultsOf(world, { machine: false });
  return [
    ...(verb.check?.(world) ?? []),
    ...await mustDo(world, ["stop", "box"]), ...await faultsOf(world, { machine: true, data: verb.from !== "none" }),
  ];
}

/** Uses the machine as if nothing had happened. Where it is no more, that is told. */
async function onwards(verb: CrashVerb, mayRun: boolean, world: CrashWorld): Promise<readonly string[]> {
  const started = await world.glowplug("start", "box");
  const isGone = (verb.from === "none" || verb.removes === true) && /box: VM does not exist/.test(started.stderr);
  if (isGone) {
    const removed = await world.glowplug("rm", "--force", "box");
    const isFine = removed.code === 0 || /box: VM does not exist/.test(removed.stderr);
    return [...(isFine ? [] : [told(["rm", "--force", "box"], removed)]), ...await faultsOf(world, { machine: false })];
  }
  const isUp = started.code === 0 || (mayRun && /already running/.test(started.stderr));
  return [
    ...(isUp ? [] : [told(["start", "box"], started)]),
    ...await mustDo(world, ["exec", "box", "echo", "a b"], "a b\n"),
    ...await mustDo(world, ["stop", "box"]), ...await faultsOf(world, { machine: true, data: verb.from !== "none" }),
    ...await mustDo(world, ["rm", "--force", "box"]), ...await faultsOf(world, { machine: false }),
  ];
}

async function mustDo(world: CrashWorld, argv: readonly string[], output?: string): Promise<readonly string[]> {
  const ended = await world.glowplug(...argv);
  return ended.code === 0 && (output === undefined || ended.stdout === output) ? [] : [told(argv, ended)];
}

function told(argv: readonly string[], { code, stdout, stderr }: Ended): string {
  return `glowplug ${argv.join(" ")} ended with ${code ?? "no answer"}: ${stdout}${stderr}`.trim();
}
