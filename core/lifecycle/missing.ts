import { MachineError } from "../errors.ts";

/** podman's words for a machine that is not there. */
export function noSuchMachine(name: string): MachineError {
  return new MachineError("no-machine", `${name}: VM does not exist`, { hint: `\`glowplug list\` shows the machines, \`glowplug init ${name}\` makes this one.` });
}
