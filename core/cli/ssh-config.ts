import { readFile } from "node:fs/promises";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { readRecord } from "../store.ts";
import { on } from "./flags.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME]",
  description: "Host-key checking is on in it. It names the machine, so that ssh, scp and rsync take NAME for a host.",
  examples: ['ssh -F "$(glowplug ssh-config web --path)" web'],
  flags: { path: on("--path", "Print the config's path instead of its text") },
  async run(call) {
    const { flags, globals, output, run } = call;
    const name = await nameOf(call);
    if (!readRecord(run.paths, name)) throw noSuchMachine(name);
    const path = run.paths.machine(name).sshConfig;
    if (globals.json) output.json({ Name: name, Path: path, Config: await readFile(path, "utf8") });
    else if (flags.path) output.line(path);
    else output.write(await readFile(path, "utf8"));
  },
});
