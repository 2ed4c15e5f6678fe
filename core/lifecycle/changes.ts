import { askKeeper } from "../keeper/client.ts";
import { protocolVersion } from "../keeper/protocol.ts";
import type { ResolvedPort } from "../model.ts";
import type { MachineRecord } from "../record.ts";
import type { Report, Run } from "../run.ts";
import { changeLine, specChanges } from "../spec/changes.ts";
import { portText } from "../spec/ports.ts";
import { saveSpec } from "../spec.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { updateRecord } from "../store.ts";
import { requireFreePort } from "./free-port.ts";
import { lockMachine } from "./lock-machine.ts";

/** Says what a spec says differently since init or the last start, and when that takes effect. */
export function tellChanges({ name, spec: before }: MachineRecord, spec: ResolvedSpec, running: boolean, report: Report): void {
  for (const change of specChanges(before, saveSpec(spec))) {
    const line = changeLine(change, { name, script: spec.script, running });
    if (change.kind === "first-boot-only") report.warn(line);
    else report.info(line);
  }
}

/**
 * Brings a running machine to its spec as far as that goes without a restart, and says what needs one. Ports are closed before
 * others are opened; the record follows what was done, also where a port is refused. Throws MachineError "port-taken".
 */
export async function applyChanges(record: MachineRecord, spec: ResolvedSpec, run: Run): Promise<void> {
  tellChanges(record, spec, true, run.report);
  const changes = specChanges(record.spec, saveSpec(spec));
  if (!changes.some(({ field }) => field === "ports")) return;
  const { name } = record;
  const { keeperSocket } = run.paths.machine(name);
  const lock = await lockMachine(name, "up", run);
  let open = record.spec.ports;
  const ask = (op: "port-add" | "port-remove", port: ResolvedPort): Promise<unknown> => askKeeper(keeperSocket, { v: protocolVersion, op, port }, { timeoutMs: 30_000, signal: run.signal });
  try {
    for (const port of without(open, spec.ports)) {
      await ask("port-remove", port);
      open = without(open, [port]);
    }
    for (const port of without(spec.ports, open)) {
      await requireFreePort(port);
      await ask("port-add", port);
      open = [...open, port];
    }
  } finally {
    await updateRecord(run.paths, name, (now) => ({ ...now, spec: { ...now.spec, ports: open } }));
    lock.release();
  }
}

/** The ports that stand in one list and not in the other. */
function without(ports: readonly ResolvedPort[], others: readonly ResolvedPort[]): readonly ResolvedPort[] {
  return ports.filter((port) => !others.some((other) => portText(other) === portText(port)));
}
