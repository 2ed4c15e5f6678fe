import { MachineError } from "../errors.ts";

/** The signals that end a verb, and their numbers, which are the same on Linux and macOS. */
const watched = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
type Watched = keyof typeof watched;

const explainAfterMs = 300;

/** The reason of an abort by signal, with the status that shells give such an end: 128 + its number. */
class Interruption extends MachineError {
  readonly exitStatus: number;

  constructor(name: Watched) {
    super("interrupted", name === "SIGINT" ? "interrupted" : `interrupted by ${name}`);
    this.exitStatus = 128 + watched[name];
  }
}

/** The signals of this process. */
export interface Interrupts {
  /** Aborts at the first Ctrl-C, SIGTERM or SIGHUP, so that the verb unwinds what it began. A second ends the process at once. */
  readonly signal: AbortSignal;
  /** From here on the first signal is somebody else's: a command in the guest gets it. A second still ends the process. */
  leaveFirst(): void;
}

/** Watches the signals of this process. */
export function watchSignals(say: (line: string) => void): Interrupts {
  const controller = new AbortController();
  let left = false;
  let seen = false;
  for (const name of Object.keys(watched) as Watched[]) {
    process.on(name, () => {
      const reason = new Interruption(name);
      if (seen) process.exit(reason.exitStatus);
      seen = true;
      if (left) return;
      // A verb that had nothing to undo has ended by then.
      if (name === "SIGINT") setTimeout(() => say("Interrupted: what was begun is being undone. A second Ctrl-C ends at once."), explainAfterMs).unref();
      controller.abort(reason);
    });
  }
  return { signal: controller.signal, leaveFirst: () => { left = true; } };
}

/** The exit status of an interrupted verb. */
export function interruptedStatus({ reason }: AbortSignal): number {
  return reason instanceof Interruption ? reason.exitStatus : 130;
}
