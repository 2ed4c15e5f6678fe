import { Worker, isMainThread } from "node:worker_threads";
import type { MachineError } from "../errors.ts";

/** How long after the deadline the process is ended, when even the interruption did not bring the main thread back. */
const graceMs = 5_000;

/**
 * A thread beside a script that might loop for ever. At the deadline it breaks into the main thread's JavaScript, as a debugger's
 * pause button does, so that the main thread's own timer can fire; where that fails it prints the error and ends the process.
 */
const watch = `
const { parentPort, workerData } = require("node:worker_threads");
const { writeSync } = require("node:fs");
const { Session } = require("node:inspector");
setTimeout(() => {
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.terminateExecution", () => session.disconnect());
}, workerData.deadlineMs);
setTimeout(() => {
  writeSync(2, workerData.text);
  process.kill(process.pid, "SIGKILL");
}, workerData.deadlineMs + workerData.graceMs);
parentPort.once("message", () => process.exit());
`;

export interface WatchOptions {
  /** In milliseconds. Infinity: no limit. */
  readonly deadlineMs: number;
  /** What to throw at the deadline. */
  overdue(): MachineError;
  /** What to throw when the script waits for something that can no longer come. */
  stuck(): MachineError;
}

/** Awaits a script's work under a deadline that also holds against a loop without end. Leaves no thread and no timer behind. */
export async function watched<T>(work: () => Promise<T>, { deadlineMs, overdue, stuck }: WatchOptions): Promise<T> {
  const limited = Number.isFinite(deadlineMs);
  const worker = limited && isMainThread
    ? new Worker(watch, { eval: true, workerData: { deadlineMs, graceMs, text: `Error: ${overdue().message}\n` }, execArgv: [], stdin: false })
    : undefined;
  worker?.unref();
  let release = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    // Unreferenced, so that an event loop with nothing left to do gets to beforeExit instead of waiting for the deadline.
    const timer = limited ? setTimeout(() => reject(overdue()), deadlineMs).unref() : undefined;
    const idle = (): void => reject(stuck());
    process.once("beforeExit", idle);
    release = () => {
      clearTimeout(timer);
      process.removeListener("beforeExit", idle);
      worker?.postMessage("done");
    };
  });
  try {
    return await Promise.race([work(), ended]);
  } finally {
    release();
  }
}
