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
    const { words: [script = "", ...rest], run, isVerb, dispatch } = call;
    const path = resolve(run.cwd, script);
    const [word] = rest;
    if (word === "run") throw new MachineError("usage", "one `run` runs one script", { hint: `Leave out the second: glowplug run ${script}` });
    const { openMachine } = await import("../open.ts");
    const name = async (): Promise<string> => (await openMachine({ script: path }, run)).name;
    if (word !== undefined && isVerb(word)) return await dispatch(rest, { script: path, name });
  },
});
