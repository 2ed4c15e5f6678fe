import { MachineError, messageOf } from "../errors.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { statusOf } from "../lifecycle/status.ts";
import { readRecord } from "../store.ts";
import { printItems } from "./answer.ts";
import { text } from "./flags.ts";
import { parseFormat } from "./format.ts";
import { inspectView } from "./inspect-view.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";
import { visible } from "./visible.ts";

export default defineVerb({
  usage: "[NAME...]",
  examples: ["glowplug inspect web", "glowplug inspect --format '{{.State}}' web"],
  flags: { format: text("-f, --format <format>", "json, yaml, or a Go template such as {{.State}}") },
  most: Number.POSITIVE_INFINITY,
  async run({ words, flags, globals, subject, run, output, shell }) {
    const format = parseFormat(flags.format ?? "json");
    const names = words.length > 0 ? words : [await nameOf({ words, subject, run })];
    const found: object[] = [];
    const missing: unknown[] = [];
    for (const name of names) {
      try {
        const record = readRecord(run.paths, name);
        if (!record) throw noSuchMachine(name);
        found.push(inspectView(record, await statusOf(record, run.paths), run.paths));
      } catch (error) {
        missing.push(error);
      }
    }
    const last = missing.pop();
    // With --json an error is the answer; else podman prints what it found, be it an empty list, and every error.
    const prints = last === undefined || (!globals.json && (found.length > 0 || format.kind !== "template"));
    if (prints) await printItems(format, found, { fields: Object.keys(found[0] ?? {}), type: "machine.InspectInfo" }, output, { indent: 5 });
    for (const error of missing) shell.stderr.write(`Error: ${visible(messageOf(error))}\n`);
    if (last !== undefined) throw last instanceof Error ? last : new MachineError("internal", messageOf(last));
  },
});
