import { basename } from "node:path";
import { MachineError } from "../errors.ts";
import { choice, on } from "./flags.ts";
import { runningMachine } from "./running.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

const shells = ["sh", "bash", "zsh", "fish"] as const;
type ShellName = (typeof shells)[number];

/** What docker and podman read the address of their server from. */
const variables = ["DOCKER_HOST", "CONTAINER_HOST"] as const;

export default defineVerb({
  usage: "[NAME]",
  description: "They name the socket of the machine's API, which is there while it runs, to docker and podman.",
  examples: ['eval "$(glowplug env web)"', "glowplug env --shell fish web | source", 'eval "$(glowplug env --unset)"'],
  flags: {
    shell: choice("--shell <name>", `Shell to write for: ${shells.join(", ")} (default: $SHELL)`, shells),
    unset: on("--unset", "Lines that take the variables away again"),
  },
  async run(call) {
    const { flags, globals, output, run } = call;
    const shell = flags.shell ?? shellOf(run.env["SHELL"]);
    if (flags.unset) {
      if (globals.json) output.json(Object.fromEntries(variables.map((name) => [name, null])));
      else output.write(unsetLines(shell));
      return;
    }
    const name = await nameOf(call);
    const { record, keeper } = await runningMachine(name, run);
    const { apiSocket } = run.paths.machine(name);
    if (!keeper?.sockets.includes(apiSocket)) {
      throw new MachineError("podman-api", `${name} serves no podman API`, { hint: record.spec.podman ? `\`glowplug inspect ${name}\` tells its condition.` : "It was made with `podman: false`." });
    }
    const address = `unix://${apiSocket}`;
    if (globals.json) return output.json(Object.fromEntries(variables.map((variable) => [variable, address])));
    output.write(exportLines(shell, address));
    if (output.isTerminal) output.write(output.paint("faint", `# To use it in this shell: ${useLine(shell, name)}\n`));
  },
});

/** The lines that set the variables. */
export function exportLines(shell: ShellName, address: string): string {
  if (shell === "fish") return variables.map((name) => `set -gx ${name} '${address.replaceAll(/[\\']/g, "\\$&")}';\n`).join("");
  return variables.map((name) => `export ${name}='${address.replaceAll("'", `'\\''`)}'\n`).join("");
}

/** The lines that take them away. */
export function unsetLines(shell: ShellName): string {
  return shell === "fish" ? variables.map((name) => `set -e ${name};\n`).join("") : `unset ${variables.join(" ")}\n`;
}

/** The shell of a path as $SHELL has it; one that is not known is taken for a POSIX one. */
export function shellOf(path: string | undefined): ShellName {
  return shells.find((known) => known === basename(path ?? "")) ?? "sh";
}

function useLine(shell: ShellName, name: string): string {
  return shell === "fish" ? `glowplug env ${name} | source` : `eval "$(glowplug env ${name})"`;
}
