import { statusOf } from "../lifecycle/status.ts";
import { listRecords } from "../store.ts";
import { printItems } from "./answer.ts";
import { text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { inLowerCase, infoView } from "./info-view.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "",
  description: "Shows what this host is, which machines there are, and which glowplug this is. Without --format as YAML.",
  examples: ["glowplug info", "glowplug info --format '{{.Host.CurrentMachine}}'"],
  flags: { format: text("-f, --format <format>", "json, yaml, or a Go template such as {{.Host.MachineState}}") },
  most: 0,
  async run({ flags, globals, run, output }) {
    const format = parseFormat(flags.format ?? (globals.json ? "json" : "yaml"));
    const { records, damaged } = listRecords(run.paths);
    for (const { problem } of damaged) run.report.warn(problem);
    const machines = await Promise.all(records.map(async (record) => ({ record, status: await statusOf(record, run.paths) })));
    const info = infoView(machines, run);
    await printItems(format, [format.kind === "yaml" ? (inLowerCase(info) as object) : info], { fields: Object.keys(info) }, output, { single: true });
  },
});
