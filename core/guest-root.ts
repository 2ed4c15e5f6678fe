import { MachineError } from "./errors.ts";
import type { ExecOptions, ExecResult, GuestShell } from "./model.ts";

/**
 * Runs a command of the guest as root, over the login user's own connection: a login of root's would start a second user manager
 * there. Like `exec` it throws for no exit status of the command; MachineError "ssh" where the guest's sudo is missing or wants a password.
 */
export async function execAsRoot(shell: GuestShell, user: string, command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  if (user === "root") return shell.exec(command, options);
  const result = await shell.exec(["sudo", "-n", ...command], options);
  const why = result.exitCode === 0 ? undefined : sudoProblem(result);
  if (why === undefined) return result;
  throw new MachineError("ssh", `${user} cannot act as root in the guest: ${why}`, {
    details: result.stderr.trim().split("\n").slice(-3), hint: `An image needs sudo, and needs it to let ${user} do everything without a password; or the machine's user is root: --username root`,
  });
}

function sudoProblem({ exitCode, stderr }: ExecResult): string | undefined {
  if (exitCode === 127 && /sudo.*not found|not found.*sudo|unknown command.*sudo/i.test(stderr)) return "it has no sudo";
  return /^sudo: /m.test(stderr) && /password|not allowed|not in the sudoers|terminal/.test(stderr) ? "its sudo refuses that" : undefined;
}
