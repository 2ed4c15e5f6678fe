import { MachineError } from "../errors.ts";
import { environmentOfProcess } from "../host.ts";
import { keeperProgram } from "../installation.ts";
import { again } from "../keeper/again.ts";
import { askKeeper } from "../keeper/client.ts";
import { waitListening } from "../keeper/listening.ts";
import { protocolVersion, type KeeperStatus } from "../keeper/protocol.ts";
import type { MachinePaths } from "../paths.ts";
import { identityOf, isAlive, killIdentity, type ProcessIdentity } from "../process-identity.ts";
import type { Run } from "../run.ts";
import { childSpan } from "../spans.ts";
import { definedIn, spawnDetached } from "../spawn.ts";
import { withKeeperSpans } from "./keeper-spans.ts";

/**
 * Starts a keeper for the plan with this token, in the machine's runtime folder, and waits until it listens. One that may start its machine
 * again gets the whole environment: the hooks that are run then are to find what they find now. One that adopts takes over what another brought up.
 */
export async function launchKeeper(files: MachinePaths, token: string, run: Run, { mayStart, adopts = false }: { readonly mayStart: boolean; readonly adopts?: boolean }): Promise<ProcessIdentity> {
  const environment = environmentOfProcess();
  const command = { program: process.execPath, argv: [keeperProgram(), files.keeperPlan, token, ...(adopts ? ["adopt"] : [])], name: "keeper", ...(mayStart && { env: definedIn(environment) }) };
  const child = await spawnDetached(command, files.log("keeper"), environment);
  const endSpan = childSpan(run.trace, command.program, child.pid);
  const death = new Promise<never>((_, reject) => {
    child.once("exit", (code, signal) => {
      endSpan();
      reject(new MachineError("keeper", `the keeper ended (${signal ?? code}) before it listened`, { hint: `See ${files.log("keeper")}.` }));
    });
  });
  death.catch(() => {});
  child.unref();
  try {
    await waitListening([files.keeperSocket], { timeoutMs: 15_000, signal: run.signal, who: "the keeper", death });
  } catch (error) {
    child.kill("SIGKILL"); // nobody has asked it yet, so it has spawned nothing
    throw error;
  }
  return identityOf(child.pid) ?? { pid: child.pid, startTime: "gone", bootId: "gone" };
}

/** Waits until the machine is up. */
export async function waitUntilUp(name: string, files: MachinePaths, run: Run): Promise<KeeperStatus> {
  const phase = run.report.phase(`booting ${name}`);
  try {
    const keeper = await withKeeperSpans(run, files, () => askKeeper<KeeperStatus>(files.keeperSocket, { v: protocolVersion, op: "ready" }, { signal: run.signal }));
    phase.done();
    return keeper;
  } catch (error) {
    phase.fail();
    throw error;
  }
}

/** Asks a keeper to stop its machine; one that does not answer is ended. */
export async function askedToStop(files: MachinePaths, keeper: ProcessIdentity, options: { force: boolean; timeoutMs: number }): Promise<void> {
  try {
    await askKeeper(files.keeperSocket, { v: protocolVersion, op: "stop", ...options }, { timeoutMs: options.timeoutMs + 20_000 });
    await again(async () => {
      if (isAlive(keeper)) throw new Error("still there");
    }, AbortSignal.timeout(5000), () => false);
  } catch {
    if (isAlive(keeper)) killIdentity(keeper, "SIGKILL");
  }
}
