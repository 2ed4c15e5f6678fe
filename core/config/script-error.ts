import { basename, isAbsolute, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { MachineError, isMachineError, messageOf } from "../errors.ts";
import { codeFrame, readLines } from "./code-frame.ts";

/** Where something happened in a user's file. Lines and columns count from 1. */
interface Place {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/** A path as the user would write it: relative to the working folder where the file lies in it. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/** What a script threw while it was loaded or called, with file, line and a piece of the code. */
export function scriptError(error: unknown, script: string, cwd: string): MachineError {
  const { place, message } = syntaxError(error) ?? importError(error) ?? { place: firstUserPlace(error), message: messageWithName(error) };
  const file = shownPath(place?.path ?? script, cwd);
  const position = [place?.line, place?.column].flatMap((number) => (number === undefined ? [] : `:${number}`)).join("");
  const frame = place?.line === undefined ? undefined : codeFrame(place.path, place.line, place.column);
  if (isMachineError(error)) {
    const { code, hint, plugin, stage, details } = error;
    return new MachineError(code, `${file}${position}: ${error.message}`, { hint, plugin, stage, details, cause: error });
  }
  return new MachineError("bad-script", `${file}${position}: ${message}`, { cause: error, ...(frame !== undefined && { details: [frame] }), hint: hintFor(error, file) });
}

/** The address or package that could not be found; undefined for any other error. */
export function missingModule(error: unknown): string | undefined {
  if ((error as { readonly code?: unknown } | undefined)?.code !== "ERR_MODULE_NOT_FOUND") return undefined;
  return /Cannot find (?:package|module) '([^']+)'/.exec(messageOf(error))?.[1];
}

/** esbuild's errors say "path:line:column: ERROR: text". */
function syntaxError(error: unknown): { readonly place: Place; readonly message: string } | undefined {
  const match = /^(?:file:\/\/)?(?<path>\/.+?):(?<line>\d+):(?<column>\d+): ERROR: (?<text>.+)$/m.exec(messageOf(error))?.groups;
  if (!match) return undefined;
  return { place: { path: match["path"] ?? "", line: Number(match["line"]), column: Number(match["column"]) + 1 }, message: `SyntaxError: ${match["text"] ?? ""}` };
}

/** Node's "Cannot find module 'X' imported from Y" has no line: the first that has the last part of X in quotes is it. */
function importError(error: unknown): { readonly place: Place; readonly message: string } | undefined {
  const missing = missingModule(error);
  const importer = / imported from (\/.+)$/m.exec(messageOf(error))?.[1];
  if (missing === undefined || importer === undefined) return undefined;
  const last = basename(missing);
  const line = readLines(importer)?.findIndex((text) => /["']/.test(text) && text.includes(last)) ?? -1;
  return { place: { path: importer, ...(line >= 0 && { line: line + 1 }) }, message: `cannot find ${missing.startsWith("/") ? `the module ${missing}` : `the package ${missing}`}` };
}

function firstUserPlace(error: unknown): Place | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const line of stack.split("\n")) {
    const match = /(?:^|[ (])(?<path>(?:file:\/\/)?\/[^():?]+)(?:\?[^():]*)?:(?<line>\d+)(?::(?<column>\d+))?\)?$/.exec(line)?.groups;
    if (!match?.["path"] || /\/node_modules\//.test(match["path"])) continue;
    const path = match["path"].startsWith("file:") ? fileURLToPath(match["path"]) : match["path"];
    return { path, line: Number(match["line"]), ...(match["column"] !== undefined && { column: Number(match["column"]) }) };
  }
  return undefined;
}

function messageWithName(error: unknown): string {
  return error instanceof Error && error.name !== "Error" ? `${error.name}: ${error.message}` : messageOf(error);
}

function hintFor(error: unknown, file: string): string {
  const missing = missingModule(error);
  if (missing === undefined) return `Mend the script; \`glowplug plan ${file.includes("/") ? file : `./${file}`}\` tries it and makes nothing.`;
  return missing.startsWith("/") ? `There is no file ${missing}.` : `Install the package beside the script: npm install ${missing}`;
}
