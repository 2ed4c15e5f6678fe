import type { Examined } from "../doctor/diagnose.ts";
import type { Level } from "../doctor/finding.ts";
import { on } from "./flags.ts";
import type { Look, Paint } from "./paint.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME]",
  description: [
    "Looks at the host and at its machines, or at one: what was asked against what is so. Each finding comes with what",
    "to do about it. Nothing is changed. Ends with 1 if something is broken, else with 0.",
  ].join("\n"),
  examples: ["glowplug doctor", "glowplug doctor web --json"],
  flags: { all: on("-a, --all", "Show also what is well") },
  async run({ words: [name], flags, globals, output, run }) {
    const { patientOf } = await import("../doctor/patient.ts");
    const { diagnose } = await import("../doctor/diagnose.ts");
    const examined = await diagnose(await patientOf(name, run));
    const findings = examined.flatMap((one) => one.findings);
    const isBroken = findings.some(({ level }) => level === "broken");
    if (globals.json) {
      output.json({
        Ok: !isBroken,
        Checks: examined.map(({ title, machine, fact, findings: its }) => ({
          Check: title, Machine: machine ?? null, Fact: fact ?? null, Findings: its.map(({ id, level, what, fix }) => ({ Id: id, Level: level, What: what, Fix: fix })),
        })),
      });
      return isBroken ? 1 : 0;
    }
    for (const one of examined) if (one.findings.length > 0 || flags.all) output.write(textOf(one, output.paint));
    const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
    output.line(findings.length === 0 ? `${examined.length} checks, nothing found` : `${examined.length} checks: ${count("broken")} broken, ${count("warning")} ${count("warning") === 1 ? "warning" : "warnings"}, ${count("note")} ${count("note") === 1 ? "note" : "notes"}`);
    return isBroken ? 1 : 0;
  },
});

const looks: Readonly<Record<Level, Look>> = { broken: "error", warning: "warning", note: "hint" };

/** "web, disk: what" with the fix beneath; what is well in one line. */
function textOf({ title, machine, fact, findings }: Examined, paint: Paint): string {
  const about = machine === undefined ? title : `${machine}, ${title}`;
  if (findings.length === 0) return `${paint("good", "ok")} ${about}${fact === undefined ? "" : `: ${fact}`}\n`;
  return findings.map(({ level, what, fix }) => `${paint(looks[level], level)} ${about}: ${what}\n    ${paint("faint", "fix:")} ${fix}\n`).join("");
}
