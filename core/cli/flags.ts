import { Command, CommanderError, Option } from "commander";
import { MachineError } from "../errors.ts";
import { parseDuration } from "../units.ts";
import { nearest } from "../suggest.ts";

/** One flag of a verb. `T` is what its value becomes; undefined where it was not given. */
export interface Flag<T> {
  /** As help shows it: "-m, --memory <MiB>". */
  readonly names: string;
  readonly help: string;
  /** A switch takes no value but "=true" and "=false". */
  readonly takes: "nothing" | "one" | "many";
  /** Turns the words given into the value. Throws MachineError "usage". */
  read(words: readonly string[]): T | undefined;
}
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<F extends FlagTable> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T | undefined : never };

/** A switch: true, false by "=false", or undefined. */
export function on(names: string, help: string): Flag<boolean> {
  return { names, help, takes: "nothing", read: (words) => (words.length === 0 ? undefined : readSwitch(longName(names), words[words.length - 1] ?? "")) };
}

/** A text; the last one given counts. */
export function text(names: string, help: string): Flag<string> {
  return { names, help, takes: "one", read: (words) => words[words.length - 1] };
}

/** A text that may be given several times. */
export function list(names: string, help: string): Flag<readonly string[]> {
  return { names, help: `${help} (may be repeated)`, takes: "many", read: (words) => (words.length === 0 ? undefined : words) };
}

/** A whole number of at least `least`. */
export function whole(names: string, help: string, least = 1): Flag<number> {
  const expected = least === 0 ? "a whole number" : `a whole number of at least ${least}`;
  return converted(names, help, expected, (word) => (/^\d+$/.test(word) && Number.isSafeInteger(Number(word)) && Number(word) >= least ? Number(word) : undefined));
}

/** A length of time in milliseconds: "90s", "1h30m"; a bare number is seconds. */
export function duration(names: string, help: string): Flag<number> {
  return converted(names, help, 'a duration such as "90s" or "5m"', (word) => {
    if (/^\d+(\.\d+)?$/.test(word)) return Number(word) * 1000;
    try {
      return parseDuration(word);
    } catch {
      return undefined;
    }
  });
}

/** One of a few words. */
export function choice<const T extends string>(names: string, help: string, words: readonly T[]): Flag<T> {
  return converted(names, help, `one of ${words.join(", ")}`, (word) => words.find((known) => known === word));
}

/** A flag with its own conversion; `undefined` from it is an error that says what was expected. */
export function converted<T>(names: string, help: string, expected: string, convert: (word: string) => T | undefined): Flag<T> {
  return {
    names, help, takes: "one",
    read: (words) => {
      const word = words[words.length - 1];
      if (word === undefined) return undefined;
      const value = convert(word);
      if (value === undefined) throw badValue(longName(names), word, expected);
      return value;
    },
  };
}

export interface ParseOptions {
  /** What stands before the flags, for errors and help: "glowplug init". */
  readonly program: string;
  /** Stop at the first word that is no flag: all that follows belongs to a command. */
  readonly passThrough?: boolean;
}

/** Splits a command line into flag values and the other words. Throws MachineError "usage". */
export function parseFlags<F extends FlagTable>(table: F, argv: readonly string[], options: ParseOptions): { readonly flags: FlagValues<F>; readonly words: readonly string[] } {
  const given = new Map<string, string[]>();
  const command = createCommand(options);
  for (const [key, flag] of Object.entries(table)) {
    const option = new Option(flag.names);
    command.addOption(option);
    command.on(`option:${option.name()}`, (word: string | undefined) => {
      given.set(key, [...(given.get(key) ?? []), word ?? "true"]);
    });
  }
  const { argv: rest, switches } = takeSwitchValues(table, argv, options.passThrough ?? false);
  const { operands, unknown } = runParser(command, rest, options.program);
  const stray = unknown[0];
  if (stray !== undefined) throw unknownFlag(stray, table, options.program);
  for (const [key, word] of switches) given.set(key, [...(given.get(key) ?? []), word]);
  const flags = Object.fromEntries(Object.entries(table).map(([key, flag]) => [key, flag.read(given.get(key) ?? [])]));
  return { flags: flags as FlagValues<F>, words: operands };
}

/** The flags of a table as help prints them, two columns. */
export function describeFlags(table: FlagTable): string {
  const rows = Object.values(table).map((flag) => [flag.names.startsWith("-") && !flag.names.startsWith("--") ? flag.names : `    ${flag.names}`, flag.help] as const);
  const width = Math.max(0, ...rows.map(([names]) => names.length));
  return rows.map(([names, help]) => `  ${names.padEnd(width)}  ${help}`).join("\n");
}

function createCommand({ program, passThrough }: ParseOptions): Command {
  const command = new Command(program).exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} }).helpOption(false).helpCommand(false);
  return passThrough ? command.passThroughOptions() : command;
}

function runParser(command: Command, argv: readonly string[], program: string): { readonly operands: readonly string[]; readonly unknown: readonly string[] } {
  try {
    return command.parseOptions([...argv]);
  } catch (error) {
    if (error instanceof CommanderError && error.code === "commander.optionMissingArgument") {
      const name = /(--[\w-]+)/.exec(error.message)?.[1] ?? "a flag";
      throw new MachineError("usage", `flag needs an argument: ${name}`, { hint: `See '${program} --help'.`, cause: error });
    }
    throw error;
  }
}

/** Takes "--switch=false" and its like out of a command line; the parser behind knows switches without values alone. */
function takeSwitchValues(table: FlagTable, argv: readonly string[], passThrough: boolean): { readonly argv: readonly string[]; readonly switches: readonly (readonly [key: string, word: string])[] } {
  const entries = Object.entries(table).map(([key, flag]) => ({ key, flag, names: namesOf(flag) }));
  const rest: string[] = [];
  const switches: [string, string][] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "--" || (passThrough && !isFlag(word))) {
      rest.push(...argv.slice(index));
      break;
    }
    const [name = "", value] = splitAtEquals(word);
    const entry = isFlag(word) ? entries.find(({ names }) => names.includes(name)) : undefined;
    if (entry?.flag.takes === "nothing" && value !== undefined) {
      switches.push([entry.key, value]);
      continue;
    }
    rest.push(word);
    if (entry && entry.flag.takes !== "nothing" && value === undefined && index + 1 < argv.length) {
      index += 1;
      rest.push(argv[index] ?? "");
    }
  }
  return { argv: rest, switches };
}

function unknownFlag(stray: string, table: FlagTable, program: string): MachineError {
  const [name = stray] = splitAtEquals(stray);
  const known = Object.values(table).flatMap(namesOf).filter((candidate) => candidate.startsWith("--"));
  const near = name.startsWith("--") ? nearest(name.slice(2), known.map((candidate) => candidate.slice(2))) : undefined;
  const text = name.startsWith("--") ? `unknown flag: ${name}` : `unknown shorthand flag: '${name.slice(1, 2)}' in ${name}`;
  return new MachineError("usage", text, { hint: `${near === undefined ? "" : `Did you mean --${near}? `}See '${program} --help'.` });
}

function badValue(name: string, word: string, expected: string): MachineError {
  return new MachineError("usage", `invalid argument ${JSON.stringify(word)} for "${name}" flag: expected ${expected}`);
}

function readSwitch(name: string, word: string): boolean {
  // The words that Go's strconv.ParseBool knows, since podman's flags take them.
  if (["1", "t", "T", "TRUE", "true", "True"].includes(word)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(word)) return false;
  throw badValue(name, word, "true or false");
}

function namesOf(flag: Flag<unknown>): string[] {
  return flag.names.replace(/<.*$/, "").match(/--?[\w-]+/g) ?? [];
}
function longName(names: string): string {
  return /--[\w-]+/.exec(names)?.[0] ?? names;
}
function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith("-");
}
function splitAtEquals(word: string): readonly [string, string?] {
  const at = word.indexOf("=");
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
