import { readFileSync } from "node:fs";

/** A line of a file with its neighbours and a mark under the column; undefined where the file cannot be read. */
export function codeFrame(path: string, line: number, column?: number): string | undefined {
  const lines = readLines(path);
  if (lines?.[line - 1] === undefined) return undefined;
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number += 1) {
    frame.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${lines[number - 1] ?? ""}`.trimEnd());
    if (number === line && column !== undefined) frame.push(`  ${" ".repeat(width)} | ${" ".repeat(column - 1)}^`);
  }
  return frame.join("\n");
}

/** The lines of a file; undefined where it cannot be read. */
export function readLines(path: string): readonly string[] | undefined {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return undefined;
  }
}
