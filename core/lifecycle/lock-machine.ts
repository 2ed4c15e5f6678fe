import { takeLock, type Lock, type LockOptions } from "../lock.ts";
import type { Run } from "../run.ts";

/** Takes a machine's lock, which whoever changes it holds. Throws MachineError "busy" when another verb holds it for longer than `timeoutMs`, default 30000. */
export function lockMachine(name: string, verb: string, { paths, signal, report }: Run, options: Pick<LockOptions, "timeoutMs" | "evenWithoutRoom"> = {}): Promise<Lock> {
  return takeLock(paths.machine(name).lock, { signal, purpose: `glowplug ${verb} ${name}`, onWait: (holder) => report.info(`waiting for ${holder}`), ...options });
}
