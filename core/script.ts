import { hostOfProcess, pathsOfProcess, settingsOfProcess } from "./host.ts";
import type { Machine } from "./machine.ts";
import type { HostFacts } from "./model.ts";
import { isOffline, noTrace, silentReport, type Report, type Run } from "./run.ts";
import type { MachineSpec } from "./spec-types.ts";

/** The facts of the host that this process runs on. For scripts that choose by them. */
export function hostFacts(): HostFacts {
  return hostOfProcess();
}

export interface OpenOptions {
  /** Where progress goes. Default: nowhere. */
  readonly report?: Report;
  /** Interrupts whatever is under way. */
  readonly signal?: AbortSignal;
  /** Fetch nothing. Default: as GLOWPLUG_OFFLINE says. */
  readonly offline?: boolean;
  /** What relative paths are relative to. Default: the working folder. */
  readonly cwd?: string;
}

/**
 * Opens a machine from a program: by name, where it exists or a config here describes it; or by a spec. The script of a
 * machine that exists is loaded only by what needs it: init, start, plan.
 * Nothing is made or started. Throws MachineError "bad-spec" with every mistake at once.
 */
export async function openMachine(what: string | MachineSpec, options: OpenOptions = {}): Promise<Machine> {
  const paths = pathsOfProcess();
  const env = settingsOfProcess();
  const run: Run = {
    host: hostOfProcess(paths), paths, signal: options.signal ?? new AbortController().signal, report: options.report ?? silentReport, trace: noTrace,
    cwd: options.cwd ?? process.cwd(), env, offline: options.offline ?? isOffline(env),
  };
  // Loaded late: most scripts describe a machine and open none.
  const { openMachine: open, openRecorded } = await import("./open.ts");
  const { readRecord } = await import("./store.ts");
  if (typeof what !== "string") return open({ spec: what }, run);
  return readRecord(paths, what) ? openRecorded(what, run) : open({ name: what }, run);
}
