import { MachineError } from "../errors.ts";

/** Reads one line of an answer. Throws MachineError "usage" where the input ends first, and the signal's reason when it aborts. */
export async function readAnswer(input: NodeJS.ReadableStream, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline");
  return new Promise((resolve, reject) => {
    // terminal: false leaves Ctrl-C to the process, where it unwinds the verb.
    const lines = createInterface({ input, terminal: false });
    let answered = false;
    const abort = (): void => {
      answered = true;
      lines.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    lines.once("line", (line) => {
      answered = true;
      lines.close();
      resolve(line);
    });
    lines.once("close", () => {
      signal.removeEventListener("abort", abort);
      input.pause();
      if (!answered) reject(new MachineError("usage", "no answer: standard input has ended", { hint: "Use --force to go on without the question." }));
    });
    if (signal.aborted) abort();
  });
}

/** Whether an answer is a yes: podman takes any word that begins with y. */
export function isYes(answer: string): boolean {
  return /^\s*y/i.test(answer);
}
