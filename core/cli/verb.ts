import type { Readable } from "node:stream";
import type { Run, Trace } from "../run.ts";
import type { FlagTable, FlagValues } from "./flags.ts";
import type { Globals } from "./globals.ts";
import type { Output, Stream } from "./output.ts";

/** The process around a verb. */
export interface Shell {
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly isRaw?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly cwd: string;
  /** Aborts at Ctrl-C, with a MachineError "interrupted" as its reason. */
  readonly signal: AbortSignal;
  /** The first signal from here on goes to a command in the guest. */
  leaveFirst(): void;
  /** The trace of the verb that runs this one. */
  readonly trace?: Trace;
  readonly paths: Run["paths"];
  readonly env: Run["env"];
  /** Facts of the host, read when they are first asked for; the programs that it probes are told to that trace. */
  hostFor(trace: Trace): Run["host"];
}

/** The machine of the script that `run` was given: it stands for NAME in every verb. */
export interface Subject {
  /** Absolute path. */
  readonly script: string;
  /** What the script calls its machine; loads it. */
  name(): Promise<string>;
}

/** One use of a verb. */
export interface Call<F extends FlagTable = FlagTable> {
  readonly flags: FlagValues<F>;
  /** What is no flag. */
  readonly words: readonly string[];
  readonly globals: Globals;
  readonly run: Run;
  readonly output: Output;
  readonly shell: Shell;
  readonly subject?: Subject;
  isVerb(word: string): boolean;
  /** Runs another verb; for `run`, `restart` and `help`. */
  dispatch(argv: readonly string[], subject?: Subject): Promise<number>;
}

/** A verb of the command line; each is the default export of a file of its name. */
export interface Verb<F extends FlagTable = FlagTable> {
  /** What follows the verb in help: "[NAME] [COMMAND...]". */
  readonly usage: string;
  /** Help below the summary; lines of at most 100 characters. */
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly flags: F;
  /** How many words it takes. Default: at most 1. */
  readonly most?: number;
  readonly least?: number;
  /** How it goes about a script that describes several machines, of which none or some are named behind it. Default: one must be named. */
  readonly several?: SeveralMachines;
  /** All that follows the first word belongs to a command. */
  readonly passThrough?: boolean;
  /** Resolves to the exit status; undefined is 0. Failures are thrown. */
  run(call: Call<F>): Promise<number | void>;
}

/** What a verb does with several machines of one script. */
export interface SeveralMachines {
  /** All at once, one after the other, or the last of the script first. */
  readonly way: "at once" | "in order" | "last first";
  /** Whether the script is loaded to learn its machines; else they are those that it made. */
  loadsScript(flags: Readonly<Record<string, unknown>>): boolean;
}

/** A verb under its name. */
export interface VerbEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly verb: Verb;
}

/** The verb of a name or an alias. */
export function findVerb(verbs: readonly VerbEntry[], word: string): VerbEntry | undefined {
  return verbs.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
}

/** Returns its argument, with the types of its flags. */
export function defineVerb<const F extends FlagTable>(verb: Verb<F>): Verb<F> {
  return verb;
}
