import { parseArgs } from "node:util";
import { MachineError } from "../errors.ts";
import { parseDuration } from "../units.ts";
import { nearest } from "../suggest.ts";

/** One flag of a verb. `T` is what its value becomes; undefined where it was not given. */
export interface Flag<T> {
  /** As help shows it: "-m, --memory <MiB>". */
  readonly names: string;
  readonly help: string;
  /** Taken, and left out of help. Default: false. */
  readonly hidden?: boolean;
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

/** A flag that is taken for the sake of those who know it from podman, and left out of help. */
export function hidden<T>(flag: Flag<T>): Flag<T> {
  return { ...flag, hidden: true };
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

/**
 * Splits a command line into flag values and the other words: "--name value", "--name=value", "-n value", "-nvalue", "-n=value", switches in a
 * row "-abc", and "--" before words that are no flags. Throws MachineError "usage".
 */
export function parseFlags<F extends FlagTable>(table: F, argv: readonly string[], { program, passThrough = false }: ParseOptions): { readonly flags: FlagValues<F>; readonly words: readonly string[] } {
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokensOf(table, argv)) {
    if (token.kind !== "option") {
      if (passThrough) {
        words.push(...argv.slice(token.kind === "positional" ? token.index : token.index + 1));
        break;
      }
      if (token.kind === "positional") words.push(token.value);
      continue;
    }
    const [key, flag] = Object.entries(table).find(([, { names }]) => longName(names) === `--${token.name}`) ?? unknownFlag(token.rawName, argv[token.index] ?? "", table, program);
    const said = token.value ?? (flag.takes === "nothing" ? "true" : undefined);
    if (said === undefined) throw new MachineError("usage", `flag needs an argument: ${longName(flag.names)}`, { hint: `See '${program} --help'.` });
    // podman's parser (github.com/spf13/pflag) knows "-n=value" as well, parseArgs takes the sign for a part of the value.
    const short = token.inlineValue === true && !token.rawName.startsWith("--");
    given.set(key, [...(given.get(key) ?? []), short ? said.replace(/^=/, "") : said]);
  }
  const flags = Object.fromEntries(Object.entries(table).map(([key, flag]) => [key, flag.read(given.get(key) ?? [])]));
  return { flags: flags as FlagValues<F>, words };
}

function tokensOf(table: FlagTable, argv: readonly string[]) {
  const options = Object.fromEntries(Object.values(table).map(({ names, takes }) => {
    const short = /^-(\w)\b/.exec(names)?.[1];
    return [longName(names).slice(2), { type: takes === "nothing" ? "boolean" : "string", ...(short && { short }) } as const];
  }));
  return parseArgs({ args: [...argv], options, strict: false, tokens: true }).tokens;
}

/** The flags of a table as help prints them, two columns. */
export function describeFlags(table: FlagTable): string {
  const rows = Object.values(table).filter((flag) => !flag.hidden).map((flag) => [flag.names.startsWith("-") && !flag.names.startsWith("--") ? flag.names : `    ${flag.names}`, flag.help] as const);
  const width = Math.max(0, ...rows.map(([names]) => names.length));
  return rows.map(([names, help]) => `  ${names.padEnd(width)}  ${help}`).join("\n");
}

function unknownFlag(name: string, word: string, table: FlagTable, program: string): never {
  const known = Object.values(table).filter((flag) => !flag.hidden).map(({ names }) => longName(names).slice(2));
  const near = name.startsWith("--") ? nearest(name.slice(2), known) : undefined;
  const text = name.startsWith("--") ? `unknown flag: ${name}` : `unknown shorthand flag: '${name.slice(1)}' in ${word.replace(/=.*$/, "")}`;
  throw new MachineError("usage", text, { hint: `${near === undefined ? "" : `Did you mean --${near}? `}See '${program} --help'.` });
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

function longName(names: string): string {
  return /--[\w-]+/.exec(names)?.[0] ?? names;
}
