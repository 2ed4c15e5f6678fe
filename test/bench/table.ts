import type { Measured } from "./measure.ts";

/** The figures as a table, one line each. */
export function renderTable(rows: readonly Measured[]): string {
  const cells = [["", "glowplug", "beside it", "ratio", "aim", "", "times"], ...rows.map(lineOf)];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).map((line) => `${line}\n`).join("");
}

function lineOf({ what, unit, ours, peer, ratio, aim, count }: Measured): string[] {
  const figure = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  const value = (limit: number): string => (aim?.of === "ratio" ? `${round(limit)} x` : figure(limit));
  const limit = aim === undefined ? "" : "most" in aim ? `at most ${value(aim.most)}` : `at least ${value(aim.least)}`;
  return [what, figure(ours), `${figure(peer.median)}  ${peer.name}`, `${round(ratio)} x`, limit, verdict({ ours, ratio, aim }), `${count}`];
}

function verdict({ ours, ratio, aim }: Pick<Measured, "ours" | "ratio" | "aim">): string {
  if (aim === undefined) return "";
  const taken = aim.of === "ratio" ? ratio : ours;
  return ("most" in aim ? taken <= aim.most : taken >= aim.least) ? "met" : "MISSED";
}

function round(value: number): string {
  return value.toFixed(2);
}
