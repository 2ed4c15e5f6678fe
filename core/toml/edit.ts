import { isDeepStrictEqual } from "node:util";
import { MachineError } from "../errors.ts";
import { isObject } from "../json.ts";
import { parseToml } from "./parse.ts";
import { statementsOf, type Statement } from "./statements.ts";

/** One change of a TOML text: a value of ours, or nothing at that path any more. */
export interface TomlChange {
  readonly path: readonly string[];
  /** A text or a truth for one key, an object of such for a table of its own, undefined for what is to go. */
  readonly value: string | boolean | Readonly<Record<string, string | boolean>> | undefined;
}

/**
 * Changes a TOML text and leaves all else in it as it is: comments, order, blanks. What comes out is read again, and must say what
 * was meant. Throws MachineError "bad-config" for a text that is no TOML, and for one that is written in a way that we cannot change.
 */
export async function editToml(text: string, changes: readonly TomlChange[], file: string): Promise<string> {
  let wanted = await parseToml(text, file);
  let edited = text;
  for (const change of changes) {
    wanted = withValue(wanted, change.path, change.value);
    edited = apply(edited, change);
  }
  if (isDeepStrictEqual(plain(await parseToml(edited, file).catch(() => undefined)), plain(wanted))) return edited;
  throw new MachineError("bad-config", `${file} is written in a way that glowplug cannot change: ${changes.map(({ path }) => path.join(".")).join(", ")}`, {
    hint: "Write its tables with headers of their own, as in [engine].",
  });
}

function apply(text: string, { path, value }: TomlChange): string {
  if (typeof value === "object") return withTable(without(text, path), path, value);
  return value === undefined ? without(text, path) : withPair(text, path, encode(value));
}

/** Puts a pair in the place of one of its path, else at the end of its table, else into a new table. */
function withPair(text: string, path: readonly string[], value: string): string {
  const statements = statementsOf(text);
  const there = statements.find((one) => one.kind === "pair" && isSame(one.path, path));
  if (there?.value) return text.slice(0, there.value.start) + value + text.slice(there.value.end);
  const table = path.slice(0, -1);
  const line = `${encodeKey(path.at(-1) ?? "")} = ${value}\n`;
  const at = statements.findIndex((one) => one.kind === "table" && isSame(one.path, table));
  const header = statements[at];
  if (!header) return `${withEnd(text)}[${table.map(encodeKey).join(".")}]\n${line}`;
  const next = statements.findIndex((one, index) => index > at && one.kind !== "pair");
  const last = statements.slice(at, next < 0 ? undefined : next).at(-1) ?? header;
  const indent = last.kind === "pair" ? (/[ \t]*$/.exec(text.slice(0, last.start))?.[0] ?? "") : "";
  return withNewline(text.slice(0, last.end)) + indent + line + text.slice(last.end);
}

function withTable(text: string, path: readonly string[], table: Readonly<Record<string, string | boolean>>): string {
  const lines = Object.entries(table).map(([key, value]) => `${encodeKey(key)} = ${encode(value)}\n`);
  return `${withEnd(text)}[${path.map(encodeKey).join(".")}]\n${lines.join("")}`;
}

/** Takes away a pair or a table with all below it; a header that stays behind with nothing under it goes as well. */
function without(text: string, path: readonly string[]): string {
  const statements = statementsOf(text);
  const doomed = statements.filter((one) => path.every((key, index) => one.path[index] === key));
  const [first] = doomed;
  if (!first) return text;
  const rest = cut(text, doomed);
  return first.kind === "pair" ? withoutEmpty(rest, path.slice(0, -1)) : rest;
}

function withoutEmpty(text: string, table: readonly string[]): string {
  const statements = statementsOf(text);
  const at = statements.findIndex((one) => one.kind === "table" && isSame(one.path, table));
  const [header, next] = [statements[at], statements[at + 1]];
  if (!header || next?.kind === "pair") return text;
  const between = text.slice(header.end, next?.start ?? text.length);
  return between.trim() === "" && !text.slice(header.start, header.end).includes("#") ? cut(text, [header]) : text;
}

/** Cuts whole lines out, with the empty lines before each that would then stand beside others, or at the beginning or the end. */
function cut(text: string, statements: readonly Statement[]): string {
  return [...statements].reverse().reduce((rest, { start, end }) => {
    const before = rest.slice(0, start).replace(/[ \t]*$/, "");
    const after = rest.slice(end);
    if (before.trim() === "") return after.replace(/^\s*\n/, "");
    return after.trim() === "" || /^\s*\n/.test(after) ? before.replace(/\n+$/, "\n") + after : before + after;
  }, text);
}

/** Ready for a new table: with an empty line between. */
function withEnd(text: string): string {
  return text.trim() === "" ? text : `${withNewline(text)}${/\n\s*\n$/.test(text) ? "" : "\n"}`;
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}

/** JSON's strings are TOML's basic strings; only DEL may stand in the one and not in the other. */
function encode(value: string | boolean): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

function encodeKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : encode(key);
}

function withValue(tree: Readonly<Record<string, unknown>>, [key = "", ...rest]: readonly string[], value: TomlChange["value"]): Readonly<Record<string, unknown>> {
  const { [key]: inner, ...others } = tree;
  if (rest.length === 0) return value === undefined ? others : { ...tree, [key]: value };
  if (value === undefined && !isObject(inner)) return tree;
  return { ...tree, [key]: withValue(isObject(inner) ? inner : {}, rest, value) };
}

/** Without tables that hold nothing: whether the header of one stands there says nothing. */
function plain(value: unknown): unknown {
  if (!isObject(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => {
    const kept = plain(inner);
    return isObject(kept) && !(kept instanceof Date) && Object.keys(kept).length === 0 ? [] : [[key, kept] as const];
  }));
}
