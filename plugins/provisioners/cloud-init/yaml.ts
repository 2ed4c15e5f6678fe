/** What cloud-init's files are made of. */
export type YamlValue = string | number | boolean | readonly YamlValue[] | YamlMap;
export interface YamlMap { readonly [key: string]: YamlValue }

/**
 * Plain data as YAML that a person can read and that every parser reads alike, be it of 1.1 (cloud-init's PyYAML) or 1.2: texts of
 * several lines are blocks, words that could be something else are quoted.
 */
export function toYaml(map: YamlMap): string {
  return mapLines(map).map((line) => `${line}\n`).join("");
}

function mapLines(map: YamlMap): string[] {
  return Object.entries(map).flatMap(([key, value]) => withHead(`${key}:`, value));
}

/** A value behind its key: on the same line, or below it. */
function withHead(head: string, value: YamlValue): string[] {
  if (typeof value === "string") return textLines(head, value);
  if (typeof value !== "object") return [`${head} ${value}`];
  if (isList(value)) return value.length === 0 ? [`${head} []`] : [head, ...value.flatMap(itemLines).map(indent)];
  const lines = mapLines(value);
  return lines.length === 0 ? [`${head} {}`] : [head, ...lines.map(indent)];
}

function itemLines(item: YamlValue): string[] {
  if (typeof item !== "object" || isList(item)) return withHead("-", item);
  const [first, ...rest] = mapLines(item);
  return first === undefined ? ["- {}"] : [`- ${first}`, ...rest.map(indent)];
}

function textLines(head: string, text: string): string[] {
  // Halves of characters have no bytes.
  const clean = Buffer.from(text).toString();
  if (isPlain(clean)) return [`${head} ${clean}`];
  const block = /^(?![ \t\n])(?<body>[^]*?)(?<end>\n*)$/.exec(clean)?.groups;
  if (!block || !clean.includes("\n") || !isPrintable(clean)) return [`${head} ${quoted(clean)}`];
  const { body = "", end = "" } = block;
  // How the text ends: without a line break, with one, or with more.
  const ending = end === "" ? "-" : end === "\n" ? "" : "+";
  return [`${head} |${ending}`, ...body.split("\n").map(indent), ...Array.from({ length: end.length - 1 }, () => "")];
}

/** Letters lead it, nothing in it has a meaning in YAML, and it is no word for a truth or for nothing. */
function isPlain(text: string): boolean {
  return /^[A-Za-z/][\w ./@+=-]*$/.test(text) && !text.endsWith(" ") && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text);
}

/** What YAML 1.1 lets stand for itself in a block (its 5.1), but for characters that it takes for line breaks. */
function isPrintable(text: string): boolean {
  return /^[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u.test(text);
}

/** A JSON text is one of YAML; what only YAML finds special is escaped as well. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function indent(line: string): string {
  return line === "" ? "" : `  ${line}`;
}

function isList(value: readonly YamlValue[] | YamlMap): value is readonly YamlValue[] {
  return Array.isArray(value);
}
