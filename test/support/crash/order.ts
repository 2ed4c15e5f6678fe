import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Who takes steps. */
export type Role = "cli" | "keeper";
/** Who can be ended at one; "terminal": what shows the outputs of the verb, which is the parent of its process. */
export type Victim = Role | "forwarder" | "helper" | "vm" | "terminal";

/** A step of a run of a verb; `nth` counts those of the same name in that process, from 1. */
export interface TakenStep {
  readonly role: Role;
  /** Whether the process came with the verb, or the keeper ran before. */
  readonly born: "before" | "now";
  readonly step: string;
  readonly nth: number;
}

/** What is to happen at a step of a verb. */
export interface Order extends Partial<TakenStep> {
  /** Who is ended there. Default: nobody. */
  readonly victim?: Victim;
  /** Default: SIGKILL. */
  readonly signal?: NodeJS.Signals;
  /** The step is not over before this file is there. */
  readonly until?: string;
  /** The clock of that process goes wrong there, by so many milliseconds. */
  readonly clock?: number;
  /** The small disk with that folder is full from there on. */
  readonly fill?: string;
  /** Changes of files are steps too: "write 17". */
  readonly writes?: boolean;
  /** Writes from that one on fail; `below`: those alone that name something below that folder. */
  readonly fail?: { readonly code: string; readonly from: number; readonly until?: number; readonly below?: string };
}

const preload = pathToFileURL(join(import.meta.dirname, "../../fixtures/at-step.mjs")).href;

/** An order as a verb is given it, and what became of it. */
export class Ordered {
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: string;

  constructor(order: Order, { folder, runtime, env }: { readonly folder: string; readonly runtime: string; readonly env: NodeJS.ProcessEnv }) {
    this.#log = join(folder, "steps.jsonl");
    rmSync(this.#log, { force: true });
    appendFileSync(this.#log, "");
    this.#env = { ...env, NODE_OPTIONS: `--import ${preload}`, GLOWPLUG_TEST_ORDER: JSON.stringify({ ...order, runtime, log: this.#log }) };
  }

  /** The environment of a command line: of one that comes before the verb, or of the verb. */
  env(born: TakenStep["born"]): NodeJS.ProcessEnv {
    if (born === "now") appendFileSync(this.#log, '{"verb":"begins"}\n');
    return { ...this.#env, GLOWPLUG_TEST_BORN: born };
  }

  /** The steps that were taken since the verb began, in order. */
  get taken(): readonly TakenStep[] {
    const lines = this.#lines;
    return lines.slice(lines.findIndex((line) => "verb" in line)).filter((line): line is TakenStep => "step" in line);
  }

  /** Whether the step was reached, and whoever was to be ended there was there. */
  get isDone(): boolean {
    return this.#lines.some((line) => "done" in line && line.done !== null);
  }

  /** The process of the command line that came last. */
  get cli(): number {
    return Number(readFileSync(`${this.#log}.pid`, "utf8"));
  }

  get #lines(): readonly (TakenStep | { readonly done: string | null } | { readonly verb: string })[] {
    return readFileSync(this.#log, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line) as TakenStep);
  }
}
