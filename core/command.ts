import { MachineError } from "./errors.ts";

/** One flag of a command line, and who put it there. */
export interface CommandEntry {
  readonly flag: string;
  readonly value?: string;
  /** Name of the plugin that added or last set it. */
  readonly by?: string;
}

/** A command line as plain data: what the plan shows and the keeper spawns. */
export interface CommandRecord {
  readonly program: string;
  readonly argv: readonly string[];
  readonly name: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandOptions {
  /** What the process is called in logs and in `inspect`. Default: the program's base name. */
  name?: string;
  /** Working folder. Default: `/`. */
  cwd?: string;
  /** Variables added to a minimal environment. Default: none. */
  env?: Record<string, string>;
}

/**
 * A command line as a list of flags. Plugins describe commands with it; only the core spawns them.
 * No shell is ever involved: each flag and each value is one argument.
 */
export class Command {
  readonly program: string;
  readonly name: string;
  cwd?: string;
  env?: Record<string, string>;
  /** Whoever edits the command next; the core sets it to a plugin's name around each of its hooks. */
  author?: string;
  #entries: CommandEntry[] = [];

  constructor(program: string, options: CommandOptions = {}) {
    if (program === "") throw new MachineError("bad-plugin", "a command needs a program", { hint: "Pass the program's path to new Command()." });
    this.program = program;
    this.name = options.name ?? program.slice(program.lastIndexOf("/") + 1);
    if (options.cwd !== undefined) this.cwd = options.cwd;
    if (options.env !== undefined) this.env = { ...options.env };
  }

  /** The flags in order. */
  get entries(): readonly CommandEntry[] {
    return this.#entries;
  }

  /** Appends a flag, also when it is there already. */
  add(flag: string, value?: string | number): this {
    this.#entries.push(this.#entry(flag, value));
    return this;
  }

  /** Replaces the first occurrence of a flag and drops the others; appends it where there is none. */
  set(flag: string, value?: string | number): this {
    const at = this.#entries.findIndex((entry) => entry.flag === flag);
    if (at < 0) return this.add(flag, value);
    this.#entries[at] = this.#entry(flag, value);
    this.#entries = this.#entries.filter((entry, index) => index <= at || entry.flag !== flag);
    return this;
  }

  /** Removes every occurrence of a flag, or only those with the given value. */
  drop(flag: string, value?: string): this {
    this.#entries = this.#entries.filter((entry) => entry.flag !== flag || (value !== undefined && entry.value !== value));
    return this;
  }

  /** Whether the flag is there. */
  has(flag: string): boolean {
    return this.#entries.some((entry) => entry.flag === flag);
  }

  /** The value of the first occurrence of a flag. */
  get(flag: string): string | undefined {
    return this.#entries.find((entry) => entry.flag === flag)?.value;
  }

  /** Every value of a repeatable flag. */
  all(flag: string): string[] {
    return this.#entries.flatMap((entry) => (entry.flag === flag && entry.value !== undefined ? [entry.value] : []));
  }

  /** The arguments, without the program. */
  toArgv(): string[] {
    return this.#entries.flatMap(({ flag, value }) => (value === undefined ? [flag] : [flag, value]));
  }

  /** The whole line, quoted so that it can be pasted into a shell. */
  toString(): string {
    return [this.program, ...this.toArgv()].map(quote).join(" ");
  }

  /** Plain data for the plan and the keeper. */
  toRecord(): CommandRecord {
    return {
      program: this.program, argv: this.toArgv(), name: this.name,
      ...(this.cwd !== undefined && { cwd: this.cwd }), ...(this.env && { env: { ...this.env } }),
    };
  }

  #entry(flag: string, value?: string | number): CommandEntry {
    return { flag, ...(value !== undefined && { value: String(value) }), ...(this.author !== undefined && { by: this.author }) };
  }
}

/** Quotes one argument for a POSIX shell, and leaves plain words alone. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
