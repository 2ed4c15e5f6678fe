import { quote } from "../command.ts";
import { MachineError } from "../errors.ts";
import { guestFlags, runInGuest, splitTarget } from "./guest-command.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME] COMMAND [ARG...]",
  description: [
    "Each word reaches the program as it stands here: no shell of the guest splits or expands it.",
    "The first word is a machine's name if there is such a machine. The exit status is the command's.",
  ].join("\n"),
  examples: ["glowplug exec web ls -l '/a file'", "glowplug exec web sh -c 'echo $HOME'", "tar c . | glowplug exec web tar x -C /tmp"],
  flags: guestFlags,
  most: Number.POSITIVE_INFINITY,
  passThrough: true,
  async run(call) {
    const { record, command } = await splitTarget(call);
    if (command.length === 0) throw new MachineError("usage", "glowplug exec needs a command", { hint: `For a shell: glowplug ssh ${record.name}` });
    return await runInGuest(record, command.map(quote).join(" "), call.flags, call);
  },
});
