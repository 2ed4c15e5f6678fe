import { guestFlags, runInGuest, splitTarget } from "./guest-command.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME] [COMMAND...]",
  description: [
    "Without a command: a shell. With one: its words are joined by spaces and read by the guest's login shell, as with ssh.",
    "The first word is a machine's name if there is such a machine; else all words are a command for the default machine.",
    "The exit status is the command's.",
  ].join("\n"),
  examples: ["glowplug ssh web", "glowplug ssh web 'uname -a; exit 7'", "glowplug ssh --username root web"],
  flags: guestFlags,
  most: Number.POSITIVE_INFINITY,
  passThrough: true,
  async run(call) {
    const { record, command } = await splitTarget(call);
    return await runInGuest(record, command.length === 0 ? undefined : command.join(" "), call.flags, call);
  },
});
