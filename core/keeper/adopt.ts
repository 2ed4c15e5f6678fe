import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMachineError, MachineError, messageOf } from "../errors.ts";
import { within } from "../limit.ts";
import { isAlive } from "../process-identity.ts";
import { again, pause } from "./again.ts";
import { attach } from "./bring-up.ts";
import { endChild, type ChildRecord } from "./child.ts";
import type { Parts } from "./parts.ts";
import type { Phases } from "./phases.ts";
import { replugNic } from "./replug.ts";
import { endUnnoted } from "./unnoted.ts";
import { readUp, type UpFile } from "./up-file.ts";

/** Between two tries to reach the guest that came to nothing. */
const restMs = 1000;

/**
 * Takes over a machine that is up and whose keeper was lost: its processes, monitor, console, ports and sockets. Returns what the lost
 * keeper had written down. Rejects with a MachineError where it cannot; the machine then goes on as it was.
 */
export async function adopt(parts: Parts, phases: Phases): Promise<UpFile> {
  const { plan, children, ports, sockets, connections, shares, problems } = parts;
  const up = readUp(plan.folders.runtime);
  if (!up) throw new MachineError("keeper", `${plan.name} was not up yet when its keeper was lost`);
  const records = readChildren(plan.folders.runtime);
  if (!records.some(({ role, identity }) => role === "vm" && isAlive(identity))) throw new MachineError("vm-exited", `the VM of ${plan.name} has ended`);
  if (up.hostKey !== undefined) connections.pin(up.hostKey);
  const gone = await children.adopt(records);
  const { vm } = children;
  if (!vm) throw new MachineError("vm-exited", `the VM of ${plan.name} has ended`);
  await phases.run("monitor", plan.deadlines.monitorMs, (signal) => attach(vm, parts, phases, signal, true));
  for (const { name, role } of gone) if (role === "helper" && !shares.isHalfway(name)) problems.set(name, `${name} has ended while nobody looked after it`);
  // One that was about to take the place of another is replaced once more: what it has been told of the guest is not known.
  const forwarder = plan.forwarder && children.of({ ...plan.forwarder, role: "forwarder" });
  if (forwarder && up.ports.held) await endChild(forwarder, 2000);
  if (plan.forwarder && !forwarder) await endUnnoted(plan.forwarder.command, plan);
  await tried("network", () => rejoinLan(parts), parts);
  await tried("volumes", () => shares.settle(), parts);
  await ports.adopt(up.ports);
  await tried("sockets", () => sockets.open(), parts);
  return up;
}

/** The guest may have lost its network while nobody looked after it: it is waited for without an end, and missing it is a problem. So is another host key, at once. */
export async function reach({ connections, problems }: Parts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await again(() => connections.as(), within(20_000, signal), (error) => isMachineError(error) && error.code === "host-key");
      problems.clear("ssh");
      return;
    } catch (error) {
      if (!signal.aborted) problems.set("ssh", messageOf(error));
      await pause(restMs, signal);
    }
  }
}

/** The VM's card there was linked with the lost keeper. A VM without a plan for it calls again by itself. */
async function rejoinLan({ lan, plan, control }: Parts): Promise<void> {
  await lan?.open();
  if (lan && plan.replugLan && control.qmp) await replugNic(control.qmp, plan.replugLan);
}

/** What fails is a problem of the machine, which goes on nevertheless. */
async function tried(about: string, work: () => Promise<void>, { problems }: Parts): Promise<void> {
  await work().catch((error: unknown) => problems.set(about, messageOf(error)));
}

function readChildren(folder: string): readonly ChildRecord[] {
  const path = join(folder, "children.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly ChildRecord[];
  } catch (cause) {
    throw new MachineError("keeper", `the processes of the machine are not known: ${path} cannot be read`, { cause });
  }
}
