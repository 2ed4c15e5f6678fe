import type { MachineRecord } from "../record.ts";
import { on } from "./flags.ts";
import { isYes, readAnswer } from "./prompt.ts";
import type { Call } from "./verb.ts";

/** podman's flag, with three states: yes, no, and to be asked where somebody can be. */
export const connectionFlag = on("-u, --update-connection", "Make it podman's default connection (default: asks on a terminal)");

/** Whether the machine about to start shall be podman's default connection. Asked only on a terminal, and where it is not yet. */
export async function wantsDefault(flag: boolean | undefined, record: MachineRecord | undefined, { output, globals, shell }: Pick<Call, "output" | "globals" | "shell">): Promise<boolean> {
  if (flag !== undefined || !record || globals.json || !shell.stdin.isTTY) return flag ?? false;
  const { isPreferred } = await import("../lifecycle/default-connection.ts");
  if (await isPreferred(record)) return false;
  output.write(`podman's default connection leads elsewhere: a podman that is told no other goes there.\nSet the default Podman connection to this machine? [y/N] `);
  return isYes(await readAnswer(shell.stdin, shell.signal));
}
