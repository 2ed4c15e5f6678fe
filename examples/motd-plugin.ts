// A plugin of one's own, for own-plugin.ts: it adds a file at first boot, and looks at each start whether the guest has it.
import { checkOptions, definePlugin, MachineError, type Plugin } from "glowplug";

export interface MotdOptions {
  /** What a login shows. Default: the machine's name. */
  readonly text?: string;
}

/** Greets whoever logs in. */
export default function motd(options: MotdOptions = {}): Plugin {
  checkOptions("motd", options, ["text"]);
  const greeting = (name: string): string => `${options.text ?? `This is ${name}.`}\n`;
  return definePlugin({
    name: "motd",

    ignition({ guest, machine }) {
      guest.file({ path: "/etc/motd", content: greeting(machine.name) });
    },

    async afterStart({ ssh, machine, log }) {
      const { stdout } = await ssh.exec(["cat", "/etc/motd"]);
      if (stdout !== greeting(machine.name)) {
        throw new MachineError("conflict", `the guest greets with ${JSON.stringify(stdout)}`, { hint: "Something in the guest wrote /etc/motd anew." });
      }
      log("the greeting is in place");
    },
  });
}
