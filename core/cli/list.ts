import { defaultConnection } from "../connections/default.ts";
import { statusOf } from "../lifecycle/status.ts";
import { listRecords } from "../store.ts";
import { printItems } from "./answer.ts";
import { hidden, on, text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { damagedItem, defaultColumns, headers, inListOrder, listFields, listItem } from "./list-view.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "",
  description: "Shows every machine, running ones first. podman's default leads to the one with a *. With --quiet: names alone.",
  examples: ["glowplug list", "glowplug list --format json", "glowplug list --format 'table {{.Name}}\\t{{.State}}\\t{{.Ports}}'"],
  flags: {
    format: text("--format <format>", "json, yaml, or a Go template; after \"table \" with headers"),
    noHeading: on("-n, --noheading", "No headers"),
    allProviders: hidden(on("--all-providers", "Ignored: the machines of all launchers are shown")),
  },
  most: 0,
  async run({ flags, globals, run, output }) {
    const format = parseFormat(flags.format ?? (globals.json ? "json" : globals.quiet ? "{{.Name}}" : defaultColumns));
    const { records, damaged, copies } = listRecords(run.paths);
    const machines = await Promise.all(records.map(async (record) => ({ record, status: await statusOf(record, run.paths) })));
    const around = { now: Date.now(), connection: defaultConnection(run.paths) };
    for (const { problem } of damaged) run.report.warn(problem);
    for (const { problem } of copies) run.report.warn(`${problem}; its copy serves`);
    const items = [...inListOrder(machines).map((machine) => listItem(machine, around)), ...damaged.map((one) => damagedItem(one, around))];
    await printItems(format, items, { fields: listFields, headers, type: "*entities.ListReporter", ...(flags.noHeading && { noHeading: true }) }, output, { indent: 4 });
  },
});
