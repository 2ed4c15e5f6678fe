import { text } from "node:stream/consumers";
import { quote } from "../command.ts";
import { MachineError } from "../errors.ts";
import { limitWait, type LimitReason } from "../limit.ts";
import type { ExecOptions, ExecResult } from "../model.ts";
import type { GuestConnection } from "./connection.ts";

/** A command as the guest's login shell reads it: an array is quoted word by word, a string goes as it is. */
export function commandLine(command: string | readonly string[]): string {
  return typeof command === "string" ? command : command.map(quote).join(" ");
}

/**
 * Runs a command to its end and keeps what it wrote. Never throws for an exit status. Throws MachineError "deadline" or
 * "interrupted" when its limits end it (the command is hung up), and "ssh" when the connection is lost.
 */
export async function run(connection: GuestConnection, command: string | readonly string[], options: Omit<ExecOptions, "user"> = {}): Promise<ExecResult> {
  const line = commandLine(command);
  const running = await connection.exec(line, { ...(options.signal && { signal: options.signal }) });
  let off = (): void => {};
  const limit = new Promise<never>((_, reject) => {
    off = limitWait(options, (reason) => {
      reject(endedEarly(reason, line, options.timeoutMs));
      running.close();
    });
  });
  running.stdin.end(options.input ?? "");
  const outputs = Promise.all([text(running.stdout), text(running.stderr)]);
  outputs.catch(() => {});
  try {
    // The limit first: the command that it hung up has ended too. Then the exit: its error tells of a lost connection, those of the outputs do not.
    const exit = await Promise.race([limit, running.exit]);
    const [stdout, stderr] = await Promise.race([outputs, limit]);
    return { ...exit, stdout, stderr };
  } finally {
    off();
  }
}

/** The error of a command that its limits ended. */
export function endedEarly(reason: LimitReason, line: string, timeoutMs: number | undefined, cause?: unknown): MachineError {
  if (reason === "interrupted") return new MachineError("interrupted", `the guest's command was interrupted: ${line}`, { cause });
  return new MachineError("deadline", `the guest's command did not end within ${Number(timeoutMs) / 1000} s: ${line}`, { cause, hint: "Give it more time with timeoutMs." });
}
