import { MachineError } from "../errors.ts";
import { environmentOfProcess } from "../host.ts";
import { execOverKeeper } from "../keeper/client.ts";
import type { Terminal } from "../keeper/terminal.ts";
import { attachTerminal, forwardSignals, ptyOf } from "../keeper/terminal.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import type { MachineRecord } from "../record.ts";
import { readRecord } from "../store.ts";
import { on, text } from "./flags.ts";
import { checkRunning } from "./running.ts";
import { defaultName, subjectName } from "./subject.ts";
import type { Call, Shell } from "./verb.ts";

/** Flags of `ssh` and `exec`. */
export const guestFlags = {
  username: text("-u, --username <name>", "User in the guest (default: the machine's, or root where it is rootful)"),
  tty: on("-t, --tty", "With a terminal, or without one by --tty=false (default: as here)"),
} as const;

interface GuestValues {
  readonly username?: string | undefined;
  readonly tty?: boolean | undefined;
}

/** The machine that a command line of `ssh` or `exec` means, and its command: the first word is a name if such a machine exists. */
export async function splitTarget({ words, subject, run }: Pick<Call, "words" | "subject" | "run">): Promise<{ readonly record: MachineRecord; readonly command: readonly string[] }> {
  const [first] = words;
  const found = first !== undefined && isName(first) ? readRecord(run.paths, first) : undefined;
  // A script's machine is meant without a name, so that a name here must be one of several of that script.
  const named = subject === undefined || found?.spec.script === subject.script ? found : undefined;
  const command = named ? words.slice(1) : words;
  const name = subject ? await subjectName(subject, run.paths) : defaultName;
  const record = named ?? readRecord(run.paths, name);
  if (!record) {
    throw first === undefined || subject ? noSuchMachine(name) : new MachineError("no-machine", `${first}: VM does not exist`, {
      hint: `There is no machine "${name}" either, in which it could be a command. \`glowplug list\` shows the machines.`,
    });
  }
  // As limactl and docker take it, `--` sets the command off.
  return { record, command: command[0] === "--" ? command.slice(1) : command };
}

/** Joins a command of the guest to this process's streams. Resolves to its exit status. Without a command: a login shell. */
export async function runInGuest(record: MachineRecord, command: string | undefined, { username, tty }: GuestValues, { run, shell, globals }: Pick<Call, "run" | "shell" | "globals">): Promise<number> {
  await checkRunning(record, run);
  const { stdin, stdout, stderr } = shell;
  const terminal = terminalOf(shell);
  const withPty = tty ?? (terminal !== undefined && stderr.isTTY === true);
  if (withPty && command === undefined && !globals.quiet) stderr.write(`Connecting to vm ${record.name}. To close connection, use \`exit\` or Ctrl-D.\n`);
  const user = username ?? (record.spec.rootful ? "root" : undefined);
  const pty = withPty ? ptyOf(terminal?.stdout ?? { columns: 80, rows: 24 }, environmentOfProcess()["TERM"]) : undefined;
  shell.leaveFirst();
  const exit = await execOverKeeper(
    run.paths.machine(record.name).keeperSocket,
    { ...(command !== undefined && { command }), ...(user !== undefined && { user }), ...(pty && { pty }) },
    { stdin, stdout, stderr, attach: pty && terminal ? attachTerminal(terminal, process) : forwardSignals(process) },
  );
  return exit.exitCode;
}

/** stdin and stdout as a terminal, where they are one. */
function terminalOf({ stdin, stdout }: Shell): Terminal | undefined {
  return stdin.isTTY && stdout.isTTY ? { stdin: stdin as Terminal["stdin"], stdout: stdout as Terminal["stdout"] } : undefined;
}

function isName(word: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(word);
}
