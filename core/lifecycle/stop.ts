import { readFileSync } from "node:fs";
import { keeperShell } from "../keeper/client.ts";
import { messageOf } from "../errors.ts";
import type { ProcessIdentity } from "../process-identity.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { recordedInfo } from "./facts.ts";
import { VerbHooks } from "./hooks.ts";
import { askedToStop } from "./launch-keeper.ts";
import { withKeeperSpans } from "./keeper-spans.ts";
import { statusOf } from "./status.ts";
import { sweep } from "./sweep.ts";

export interface StopOptions {
  /** Without asking the guest. Default: false. */
  readonly force?: boolean;
  /** How long the guest may take to power off, in milliseconds. Default: 90000. */
  readonly timeoutMs?: number;
}

/**
 * Stops a machine; a stopped one is left as it is. It takes no lock, so that a start that hangs can be ended.
 * The spec is there for its `beforeStop` hooks; without it none fires.
 */
export async function stop(record: MachineRecord, spec: ResolvedSpec | undefined, run: Run, options: StopOptions = {}): Promise<void> {
  const { force = false, timeoutMs = 90_000 } = options;
  const files = run.paths.machine(record.name);
  const status = await statusOf(record, run.paths);
  if (status.state === "stopped") return sweep(record, run);
  if (status.state === "running" && spec && !force) {
    try {
      await new VerbHooks(spec, run).fire("beforeStop", recordedInfo(record, spec, run.paths), { ssh: keeperShell(files.keeperSocket) });
    } catch (error) {
      run.report.warn(messageOf(error));
    }
  }
  if (status.keeper) {
    const phase = run.report.phase(`stopping ${record.name}`);
    const keeper = JSON.parse(readFileSync(files.keeperProcess, "utf8")) as ProcessIdentity;
    await withKeeperSpans(run, files, () => askedToStop(files, keeper, { force, timeoutMs }));
    phase.done();
  }
  await sweep(record, run);
}
