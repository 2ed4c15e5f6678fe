import { MachineError } from "../errors.ts";
import { formatGoTime, goDefaultLayout } from "./go-time.ts";
import { nearest } from "../suggest.ts";
import { alignTabs } from "./table.ts";
import { visibleLine } from "./visible.ts";

/** A moment in the answer. Prints as `shown`, or in a layout by `.Format`; in JSON it is the ISO text. */
export class Stamp {
  readonly iso: string;
  readonly #shown: string | undefined;

  constructor(iso: string, shown?: string) {
    this.iso = iso;
    this.#shown = shown;
  }
  /** Made when it is asked for: the zone's name alone takes 10 ms. */
  get shown(): string {
    return this.#shown ?? formatGoTime(new Date(this.iso), goDefaultLayout);
  }
  toJSON(): string {
    return this.iso;
  }
}

/** A value that reads one way in JSON and another to people: a size, a flag of a running machine. */
export class Shown {
  readonly value: unknown;
  readonly shown: string;

  constructor(value: unknown, shown: string) {
    this.value = value;
    this.shown = shown;
  }
  toJSON(): unknown {
    return this.value;
  }
}

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "json"; readonly path: readonly string[] }
  | { readonly kind: "time"; readonly path: readonly string[]; readonly layout: string };

/** A parsed `--format`. */
export type Format = { readonly kind: "json" } | { readonly kind: "yaml" } | { readonly kind: "template"; readonly parts: readonly Part[]; readonly table: boolean };

const subset = 'Templates may hold text, {{.Field.Sub}}, {{json .}}, {{json .Field}} and {{.Field.Format "LAYOUT"}}, after an optional leading "table ".';

/** Reads a `--format`: json, yaml, or the subset of Go templates that podman's scripts use. Throws MachineError "usage". */
export function parseFormat(format: string): Format {
  // podman takes all of these for JSON (go.podman.io/common/pkg/report).
  if (/^\s*(json|\{\{\s*json\.?\s*\}\})\s*$/.test(format)) return { kind: "json" };
  if (/^\s*yaml\s*$/.test(format)) return { kind: "yaml" };
  const table = format.startsWith("table ");
  const parts = parseTemplate(table ? format.slice("table ".length) : format);
  // In a table podman turns every space between the fields into a tab.
  const spaced = parts.map((part) => (part.kind === "text" ? { ...part, text: unescape(table ? part.text.replaceAll(" ", "\t") : part.text) } : part));
  return { kind: "template", parts: spaced, table };
}

export interface RenderOptions {
  /** The fields that an item has, for errors when there is no item. */
  readonly fields: readonly string[];
  /** What podman calls an item, for the words with which its templates refuse a field. */
  readonly type?: string;
  /** Headers that differ from the field's name in capitals. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly noHeading?: boolean;
}

/** One line an item, columns aligned; with a header first for "table". Throws MachineError "usage" for an unknown field. */
export function renderTemplate(format: Extract<Format, { kind: "template" }>, items: readonly object[], options: RenderOptions): string {
  for (const part of format.parts) if (part.kind !== "text") checkField(part.path, options.fields, part.path, options.type);
  const lines = items.map((item) => format.parts.map((part) => renderPart(part, item)).join(""));
  if (format.table && !options.noHeading) lines.unshift(format.parts.map((part) => header(part, options.headers ?? {})).join(""));
  return alignTabs(lines.map((line) => (line.endsWith("\n") ? line : `${line}\n`)).join(""));
}

function parseTemplate(template: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{{", at);
    if (open < 0) {
      parts.push({ kind: "text", text: template.slice(at) });
      break;
    }
    if (open > at) parts.push({ kind: "text", text: template.slice(at, open) });
    const close = closingOf(template, open + 2);
    if (close < 0) throw beyond(template, `the action that begins at character ${open + 1} has no "}}"`);
    parts.push(parseAction(template.slice(open + 2, close), template));
    at = close + 2;
  }
  return parts;
}

/** Where an action ends: the first "}}" outside its strings. */
function closingOf(template: string, from: number): number {
  const piece = /\}\}|"(?:[^"\\]|\\.)*"|`[^`]*`/g;
  piece.lastIndex = from;
  for (let found = piece.exec(template); found; found = piece.exec(template)) if (found[0] === "}}") return found.index;
  return -1;
}

// ASCII, as all our fields are: \p{L} alone costs milliseconds when it is compiled.
const path = String.raw`\.(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?`;
const actionForms = {
  field: new RegExp(`^(${path})$`),
  json: new RegExp(`^json\\s+(${path})$`),
  time: new RegExp(`^(${path})\\.Format\\s+("(?:[^"\\\\]|\\\\.)*"|\`[^\`]*\`)$`),
};

function parseAction(action: string, template: string): Part {
  const body = action.trim();
  const time = actionForms.time.exec(body);
  if (time) return { kind: "time", path: segments(time[1] ?? ""), layout: readString(time[2] ?? "", template) };
  const json = actionForms.json.exec(body);
  if (json) return { kind: "json", path: segments(json[1] ?? "") };
  const field = actionForms.field.exec(body);
  if (field && !body.endsWith(".Format")) return { kind: "field", path: segments(field[1] ?? "") };
  throw beyond(template, `{{${action}}} is not in the subset of Go templates known here`);
}

function segments(dotted: string): string[] {
  return dotted.split(".").filter((segment) => segment !== "");
}

function readString(quoted: string, template: string): string {
  if (quoted.startsWith("`")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch (error) {
    throw beyond(template, `${quoted} is no string`, error);
  }
}

function beyond(template: string, why: string, cause?: unknown): MachineError {
  return new MachineError("usage", `the template ${JSON.stringify(template)} cannot be used: ${why}`, { hint: subset, cause });
}

/** The escapes that a shell's single quotes leave in place. */
function unescape(text: string): string {
  return text.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

function renderPart(part: Part, item: object): string {
  if (part.kind === "text") return part.text;
  const value = lookUp(item, part.path);
  if (part.kind === "json") return JSON.stringify(value) ?? "null";
  if (part.kind === "field") return visibleLine(print(value));
  if (value === null) return "";
  if (!(value instanceof Stamp)) throw new MachineError("usage", `.${part.path.join(".")} is no time, so it has no .Format`);
  return formatGoTime(new Date(value.iso), part.layout);
}

function lookUp(item: object, fields: readonly string[]): unknown {
  let value: unknown = item;
  for (const [index, field] of fields.entries()) {
    if (value instanceof Shown) value = value.value;
    const walked = `.${fields.slice(0, index).join(".")}`;
    if (value === null || value === undefined) return null;
    if (typeof value !== "object" || Array.isArray(value) || value instanceof Stamp) {
      throw new MachineError("usage", `unknown field .${fields.join(".")} in the template: ${walked} has no fields`);
    }
    checkField([field], Object.keys(value), fields);
    value = Object.getOwnPropertyDescriptor(value, field)?.value;
  }
  return value ?? null;
}

function checkField(path: readonly string[], known: readonly string[], whole: readonly string[] = path, type?: string): void {
  const first = path[0];
  if (first === undefined || known.includes(first)) return;
  const near = nearest(first, known);
  const hint = near === undefined ? `The fields here are ${known.join(", ")}.` : `Did you mean .${near}? The fields here are ${known.join(", ")}.`;
  const asGo = type === undefined ? "" : `: can't evaluate field ${first} in type ${type}`;
  throw new MachineError("usage", `unknown field .${whole.join(".")} in the template${asGo}`, { hint });
}

function print(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Stamp || value instanceof Shown) return value.shown;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function header(part: Part, headers: Readonly<Record<string, string>>): string {
  if (part.kind === "text") return part.text;
  const name = part.path[part.path.length - 1] ?? "";
  return headers[name] ?? splitWords(name).toUpperCase();
}

/** "DiskSize" as "Disk Size", "VMType" as "VM Type". */
function splitWords(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2");
}
