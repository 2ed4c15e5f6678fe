import { version } from "../version.ts";
import { text } from "./flags.ts";
import { goArch } from "./info-view.ts";
import { parseFormat } from "./format.ts";
import { printItems } from "./answer.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "",
  flags: { format: text("-f, --format <format>", "json, yaml, or a Go template such as {{.Client.Version}}") },
  most: 0,
  async run({ flags, globals, run, output }) {
    const { os, arch } = run.host;
    const facts = { Client: { APIVersion: version, Version: version, NodeVersion: process.version, OsArch: `${os}/${goArch(arch)}`, Os: os } };
    const format = flags.format ?? (globals.json ? "json" : undefined);
    if (format !== undefined) return await printItems(parseFormat(format), [facts], { fields: Object.keys(facts) }, output, { single: true });
    const rows = [["Client:", "glowplug"], ["Version:", version], ["Node Version:", process.version], ["OS/Arch:", facts.Client.OsArch]];
    output.write(rows.map(([name = "", value]) => `${name.padEnd(15)}${value}\n`).join(""));
  },
});
