import { quote } from "../command.ts";
import type { Status } from "../machine.ts";
import type { Paths } from "../paths.ts";
import { deadlineFlag, deadlinesOf } from "./deadlines.ts";
import { connectionFlag, wantsDefault } from "./default-connection.ts";
import { on } from "./flags.ts";
import { printMachine } from "./inspect-view.ts";
import { printPlan } from "./plan-text.ts";
import { publish } from "./podman-events.ts";
import { defaultName, openExisting, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Returns when the guest has said that it is ready, ssh answers, and its podman's API answers.",
  flags: {
    noInfo: on("--no-info", "No notes on how to use the machine"),
    updateConnection: connectionFlag,
    dryRun: on("--dry-run", "Print what would be done, and do nothing"),
    deadline: deadlineFlag,
    ...sourceFlags,
  },
  several: { way: "at once", loadsScript: () => true },
  async run(call) {
    const { flags, globals, output, run } = call;
    const machine = await openExisting(call, flags);
    if (flags.dryRun) return printPlan(await machine.plan(), globals.json, output);
    const talks = !globals.quiet && !globals.json;
    if (talks) output.line(`Starting machine "${machine.name}"`);
    const updateConnection = await wantsDefault(flags.updateConnection, (await machine.status()).record, call);
    await machine.start({ deadlines: deadlinesOf(flags.deadline), updateConnection });
    await publish("start", machine.name, run);
    const status = await machine.status();
    if (globals.json) return printMachine(status, call);
    if (talks) output.write(mountLines(status));
    if (talks && !flags.noInfo) output.write(startNotes(status, run.paths));
    output.line(`Machine "${machine.name}" started successfully`);
  },
});

/** podman's line for each folder of the host that was mounted. */
function mountLines({ record }: Status): string {
  return (record?.spec.volumes ?? []).map(({ source, target }) => `Mounting volume... ${source}:${target}\n`).join("");
}

/** How to use a machine that has just come up. The lines that scripts know begin as podman's do. */
export function startNotes({ record, keeper }: Status, paths: Paths): string {
  if (!record) return "";
  const { name, spec } = record;
  const socket = paths.machine(name).apiSocket;
  const ports = (keeper?.ports ?? []).map(({ host, hostPort, guestPort, protocol }) => `${host}:${hostPort} leads to port ${guestPort}/${protocol} of the machine\n`);
  if (!spec.podman || keeper?.sockets.includes(socket) !== true) return ports.join("");
  const rootless = [
    "This machine is currently configured in rootless mode. Containers that need root,\n",
    `such as one that takes a port below 1024, want root's podman instead:\n\n\tglowplug set --rootful${name === defaultName ? "" : ` ${name}`}\n\n`,
  ];
  const api = [`API forwarding listening on: ${socket}\n`, `For docker and other clients of it in this shell:\n\n\texport DOCKER_HOST=${quote(`unix://${socket}`)}\n\n`];
  return [...(spec.rootful ? [] : rootless), ...ports, ...api].join("");
}
