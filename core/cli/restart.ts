import { printMachine } from "./inspect-view.ts";
import { publish } from "./podman-events.ts";
import { stopFlags } from "./stop.ts";
import { openExisting, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Stops the machine and starts it again. Its ports and sockets stay the same.",
  flags: { ...stopFlags, ...sourceFlags },
  several: { way: "at once", loadsScript: () => true },
  async run(call) {
    const { flags, globals, output } = call;
    const machine = await openExisting(call, flags);
    await machine.stop({ ...(flags.force && { force: true }), ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }) });
    await publish("stop", machine.name, call.run);
    await machine.start();
    await publish("start", machine.name, call.run);
    if (globals.json) return printMachine(await machine.status(), call);
    output.line(`Machine "${machine.name}" restarted successfully`);
  },
});
