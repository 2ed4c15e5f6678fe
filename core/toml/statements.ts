/** One statement of a TOML text, by its place. `path` is the whole path, that of the table it stands in included. */
export interface Statement {
  readonly kind: "table" | "tables" | "pair";
  readonly path: readonly string[];
  /** Where its first character is. */
  readonly start: number;
  /** Behind its last line, the line's end included. */
  readonly end: number;
  /** From 1. */
  readonly line: number;
  /** The characters of a pair's value. */
  readonly value?: { readonly start: number; readonly end: number };
}

/**
 * The statements of a TOML text, in order. It finds places and understands no values: what it is given has been read by a parser,
 * or is only looked into. Ends where the text is no TOML.
 */
export function statementsOf(text: string): readonly Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] = [];
  let line = 1;
  let counted = 0;
  for (let at = skip(text, 0); at < text.length; ) {
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    const header = /\[{1,2}/y;
    header.lastIndex = at;
    const brackets = header.exec(text)?.[0];
    const keys = readKeys(text, at + (brackets?.length ?? 0));
    if (!keys) break;
    if (brackets !== undefined) {
      if (text[keys.end] !== "]") break;
      const end = endOfLine(text, keys.end);
      table = keys.path;
      found.push({ kind: brackets === "[" ? "table" : "tables", path: table, start: at, end, line });
      at = skip(text, end);
      continue;
    }
    if (text[keys.end] !== "=") break;
    const first = keys.end + 1 + (/^[ \t]*/.exec(text.slice(keys.end + 1))?.[0].length ?? 0);
    const last = endOfValue(text, first);
    const end = endOfLine(text, last);
    found.push({ kind: "pair", path: [...table, ...keys.path], start: at, end, line, value: { start: first, end: last } });
    at = skip(text, end);
  }
  return found;
}

/** Behind blanks, empty lines and comments. */
function skip(text: string, from: number): number {
  const blank = /(?:[ \t\r\n]+|#[^\n]*)*/y;
  blank.lastIndex = from;
  blank.exec(text);
  return blank.lastIndex;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end + 1;
}

/** A dotted key and where what follows it begins: "=" of a pair, "]" of a header. */
function readKeys(text: string, from: number): { readonly path: readonly string[]; readonly end: number } | undefined {
  const key = /[ \t]*(?:([A-Za-z0-9_-]+)|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)')[ \t]*(\.?)/y;
  const path: string[] = [];
  for (key.lastIndex = from; ; ) {
    const [, bare, basic, literal, dot] = key.exec(text) ?? [];
    if (dot === undefined) return undefined;
    path.push(bare ?? literal ?? unescaped(basic ?? ""));
    if (dot === "") return { path, end: key.lastIndex };
  }
}

/** The escapes of a basic string are JSON's, but for \U and \e, which no name of ours holds. */
function unescaped(body: string): string {
  try {
    return String(JSON.parse(`"${body}"`));
  } catch {
    return body;
  }
}

/** Behind the last character of a value: strings are passed over whole, brackets are counted. */
function endOfValue(text: string, from: number): number {
  const piece = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[[{]|[\]}]|#[^\n]*|\r?\n|[^"'[\]{}#\r\n]+|[^]/y;
  let depth = 0;
  let end = from;
  for (piece.lastIndex = from; piece.lastIndex < text.length; ) {
    const begin = piece.lastIndex;
    const word = piece.exec(text)?.[0] ?? "";
    if (depth === 0 && (word.startsWith("#") || /^\r?\n$/.test(word))) break;
    if (word === "[" || word === "{") depth += 1;
    else if (word === "]" || word === "}") depth -= 1;
    if (word.trim() !== "") end = begin + word.trimEnd().length;
  }
  return end;
}
