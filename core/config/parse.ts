import { readFileSync } from "node:fs";
import type { Document, LineCounter } from "yaml";
import { MachineError, messageOf } from "../errors.ts";
import type { LineOf } from "../spec.ts";

/** What a YAML or JSON file says, and where it says it. */
export interface ParsedFile {
  readonly value: unknown;
  readonly lineOf: LineOf;
}

/** Reads a YAML or JSON file. `where` is how messages name it. Throws "bad-config" with the line and the place in it. */
export async function parseConfig(path: string, where: string): Promise<ParsedFile> {
  // Loaded late: most machines are described by scripts, or by flags alone.
  const { LineCounter, isNode, parseDocument } = await import("yaml");
  const text = readFileSync(path, "utf8");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: true, logLevel: "error" });
  const [error] = document.errors;
  if (error) {
    const [what = "", ...frame] = error.message.split("\n");
    const line = error.linePos?.[0].line;
    throw new MachineError("bad-config", `${where}${line === undefined ? "" : `:${line}`}: ${what.replace(/ at line \d+, column \d+:?$/, "")}`, {
      cause: error, ...(frame.length > 0 && { details: [frame.join("\n").trimEnd()] }),
    });
  }
  if (path.endsWith(".json")) checkJson(text, where);
  return { value: valueOf(document, where), lineOf: (field) => lineOf(field, document, counter, isNode) };
}

/** An alias of nothing, and one that grows without end, show only here. */
function valueOf(document: Document, where: string): unknown {
  try {
    return document.toJS() as unknown;
  } catch (cause) {
    throw new MachineError("bad-config", `${where}: ${messageOf(cause)}`, { cause, hint: "An alias (*name) needs an anchor (&name) before it." });
  }
}

/** JSON is YAML, but YAML is not JSON: a file that is named so must be. */
function checkJson(text: string, where: string): void {
  try {
    if (text.trim() !== "") JSON.parse(text);
  } catch (error) {
    const position = / at position (\d+)/.exec(messageOf(error))?.[1];
    const line = position === undefined ? 1 : text.slice(0, Number(position)).split("\n").length;
    throw new MachineError("bad-config", `${where}:${line}: ${messageOf(error).replace(/( in JSON)? at position \d+.*$/s, "")}`, {
      cause: error, hint: "The file's ending says JSON. Rename it to .yaml, if that is what it is.",
    });
  }
}

/** Line of "ports[0].hostPort", or of the nearest thing around it. */
function lineOf(field: string, document: Document, counter: LineCounter, isNode: typeof import("yaml").isNode): number | undefined {
  const keys = [...field.matchAll(/([^.[\]]+)/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));
  for (let depth = keys.length; depth > 0; depth -= 1) {
    const node = document.getIn(keys.slice(0, depth), true);
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
  }
  return undefined;
}
