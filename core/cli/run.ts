import { resolve } from "node:path";
import { MachineError } from "../errors.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "SCRIPT [VERB] [args]",
  description: [
    "With a verb: that verb on the machine which the script exports; NAME is left out then. Without one: the script's code,",
    "with all further words in process.argv. A script whose first line is `#!/usr/bin/env glowplug` is run like this.",
  ].join("\n"),
  examples: ["glowplug run ./machine.ts up", "./machine.ts ssh uname -a", "./machine.ts"],
  flags: {},
  least: 1,
  most: Number.POSITIVE_INFINITY,
  passThrough: true,
  async run(call) {
    const { words: [word = "", ...rest], run, output, isVerb, dispatch } = call;
    const script = resolve(run.cwd, word);
    const [verb] = rest;
    if (verb === "run") throw new MachineError("usage", "one `run` runs one script", { hint: `Leave out the second: glowplug run ${word}` });
    if (verb !== undefined && isVerb(verb)) {
      const { machineName } = await import("../open.ts");
      return await dispatch(rest, { script, name: () => machineName({ script }, run) });
    }
    // To its code the script looks as if node ran it.
    process.argv.splice(1, process.argv.length, script, ...rest);
    const { loadScript } = await import("../config.ts");
    const { machines } = await loadScript(script, { host: run.host, cwd: run.cwd, optional: true, deadlineMs: Number.POSITIVE_INFINITY });
    // Its code may have said how it went.
    if (machines.length === 0) return typeof process.exitCode === "number" ? process.exitCode : 0;
    if (verb !== undefined) throw new MachineError("usage", `unrecognized command \`${word} ${verb}\``, { hint: "A script that exports a machine takes a verb. See 'glowplug --help'." });
    const { defaultName } = await import("../spec/name.ts");
    const names = machines.map(({ name }) => name ?? defaultName(script));
    for (const name of names) output.line(`${word} describes the machine "${name}". To start it: glowplug ${names.length > 1 ? `run ${word} up ${name}` : `up ${word}`}`);
  },
});
