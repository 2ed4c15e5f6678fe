import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Condition, CrashWorld } from "./crash-world.ts";

/** A verb that is killed at each of its steps, and what may be said when it is repeated: the first time may have done it all. */
export interface CrashVerb {
  readonly title: string;
  /** How it finds the machine. */
  readonly from: Condition;
  /** What comes before it, undisturbed. Default: nothing. */
  readonly first?: readonly string[];
  /** How many the machine has; there are verbs without any for the other victims. Default: none. */
  readonly helpers?: number;
  /** Steps of the keeper are left out: they are those of two other verbs. Default: false. */
  readonly ownSteps?: boolean;
  /** PORT stands for a port that is free in the world. */
  readonly argv: readonly string[];
  /** Answers of the repeated verb beside success: what was wanted is so. */
  readonly done?: RegExp;
  /** It needs a machine that runs, which may have ended with its keeper: then it is started first. */
  readonly needs?: "running";
  /** Afterwards nothing of the machine runs, also where there is no room for a byte on the disk. Default: false. */
  readonly stops?: boolean;
  /** Afterwards there is no machine. Default: false. */
  readonly removes?: boolean;
  /** What was to be brought about and is not. */
  check?(world: CrashWorld): readonly string[];
}

export const crashVerbs: readonly CrashVerb[] = [
  { title: "init", from: "none", argv: ["init", "--config", "box.yaml"], done: /machine "box" already exists|box: VM already exists/ },
  { title: "init of a machine that podman knows", from: "none", argv: ["init", "--config", "known.yaml"], done: /machine "box" already exists|box: VM already exists/ },
  { title: "start", from: "made", argv: ["start", "box"], done: /unable to start "box": already running/ },
  { title: "start of a machine with a volume", from: "made", first: ["volume", "add", "box", "../guest:/data"], argv: ["start", "box"], done: /unable to start "box": already running/, helpers: 1 },
  { title: "stop", from: "running", argv: ["stop", "box"], stops: true },
  { title: "stop of a machine without its keeper", from: "orphaned", argv: ["stop", "box"], stops: true, ownSteps: true },
  { title: "exec on a machine without its keeper", from: "orphaned", argv: ["exec", "box", "echo", "a b"], needs: "running" },
  { title: "restart", from: "running", argv: ["restart", "box"], ownSteps: true },
  { title: "set", from: "made", argv: ["set", "--memory", "512", "--disk-size", "2", "box"], done: /new disk size must be larger than 2 GB/ },
  { title: "port add", from: "running", argv: ["port", "add", "box", "PORT:7000"], needs: "running" },
  { title: "rm", from: "made", argv: ["rm", "--force", "box"], done: /box: VM does not exist/, removes: true },
  { title: "rm of a running machine", from: "running", argv: ["rm", "--force", "box"], done: /box: VM does not exist/, removes: true },
  { title: "rm of a machine that podman knows", from: "none", first: ["init", "--config", "known.yaml"], argv: ["rm", "--force", "box"], done: /box: VM does not exist/, removes: true },
  { title: "image pull", from: "made", argv: ["image", "pull", "./other.raw"] },
  { title: "cp", from: "running", argv: ["cp", "large", "box:/large"], needs: "running", check: (world) => (readFileSync(join(world.folder, "guest/large"), "utf8").length === 300_000 ? [] : ["the copy in the guest is not whole"]) },
];
