import { on } from "./flags.ts";
import { isYes, readAnswer } from "./prompt.ts";
import { alignTabs } from "./table.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "",
  description: [
    "Removes every machine, running or not, all images and all that glowplug keeps of them. Asks first.",
    "Your config stays, and so do images in a folder that GLOWPLUG_STORE names.",
  ].join("\n"),
  flags: { force: on("-f, --force", "Do not ask") },
  most: 0,
  async run({ flags, globals, output, run, shell }) {
    const { doomedMachines, reset } = await import("../lifecycle/reset.ts");
    const doomed = doomedMachines(run);
    if (!flags.force) {
      const ask = globals.json ? (text: string): void => void shell.stderr.write(text) : output.write;
      const rows = doomed.length === 0 ? [] : ["The following machine(s) will be deleted:\n\n", alignTabs(["NAME\tPROVIDER", ...doomed.map(({ name, launcher }) => `${name}\t${launcher}`), ""].join("\n"))];
      ask(["Warning: this command will delete all machines of glowplug,\nall images, and everything that is kept of them\n\n", ...rows, "\nAre you sure you want to continue? [y/N] "].join(""));
      if (!isYes(await readAnswer(shell.stdin, shell.signal))) {
        if (globals.json) output.json({ Removed: [] });
        return;
      }
    }
    await reset(run);
    if (globals.json) output.json({ Removed: doomed.map(({ name }) => name) });
  },
});
