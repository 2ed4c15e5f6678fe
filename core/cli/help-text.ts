import { describeFlags } from "./flags.ts";
import { globalFlags } from "./globals.ts";
import type { Verb } from "./verb.ts";

interface Entry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly verb: Verb;
}

/** What `glowplug --help` prints. */
export function overview(verbs: readonly Entry[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  return [
    "A scriptable Linux machine for containers: one file describes a virtual machine, running it makes the machine real.",
    "",
    "Usage: glowplug VERB [NAME] [flags]",
    "       glowplug SCRIPT [VERB] [args]",
    "",
    "Verbs:",
    ...verbs.map(({ name, aliases, summary }) => `  ${name.padEnd(width)}  ${summary}${aliases ? ` (also: ${aliases.join(", ")})` : ""}`),
    "",
    "Flags everywhere:",
    describeFlags(globalFlags),
    "",
    "Use \"glowplug VERB --help\" for more about a verb.",
    "",
  ].join("\n");
}

/** What `glowplug VERB --help` prints. */
export function helpOf({ verb, ...entry }: Entry): string {
  const sections = [
    [entry.summary, ...(verb.description === undefined ? [] : ["", verb.description])],
    [`Usage: glowplug ${[entry.name, "[flags]", verb.usage].filter((part) => part !== "").join(" ")}`, ...(entry.aliases ? [`Also: ${entry.aliases.join(", ")}`] : [])],
    ...(verb.examples ? [["Examples:", ...verb.examples.map((line) => `  ${line}`)]] : []),
    ...(Object.keys(verb.flags).length > 0 ? [["Flags:", describeFlags(verb.flags)]] : []),
    ["Flags everywhere:", describeFlags(globalFlags)],
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}
