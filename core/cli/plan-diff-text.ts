import type { PlanDiff } from "../plan-diff.ts";
import type { Paint } from "./paint.ts";

/** A difference of plans for people: one group a part, "-" for what runs and "+" for the next start. */
export function planDiffText({ name, same, parts }: PlanDiff, paint: Paint = (_look, text) => text): string {
  if (same) return `The next start of ${name} would be as the running one\n`;
  const groups = parts.map(({ part, lines }) => {
    const rows = lines.map(({ sign, text, by }) => `  ${paint(sign === "+" ? "good" : "error", `${sign} ${text}`)}${by === undefined ? "" : paint("faint", `  # by ${by}`)}\n`);
    return `${paint("strong", part)}\n${rows.join("")}`;
  });
  return `${name}: - runs now, + the next start\n\n${groups.join("\n")}`;
}
