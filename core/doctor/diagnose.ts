import { messageOf } from "../errors.ts";
import { accelerationCheck, effectiveAcceleratorCheck } from "./acceleration.ts";
import type { Finding, HostCheck, MachineCheck, Patient, Verdict } from "./finding.ts";
import { foldersCheck } from "./folders.ts";
import { guestCheck, socketsCheck } from "./guest.ts";
import { diskCheck, keyCheck, notesCheck, portsCheck, specCheck, stateCheck } from "./machine.ts";
import { processorCheck } from "./processor.ts";
import { forwarderCheck, launcherCheck, toolsCheck } from "./programs.ts";
import { memoryCheck, spaceCheck } from "./space.ts";
import { imagesCheck, locksCheck, recordsCheck } from "./store.ts";
import { certificatesCheck, clockCheck, configCheck, proxyCheck } from "./surroundings.ts";

/** In the order in which they are told. */
export const hostChecks: readonly HostCheck[] = [
  launcherCheck, accelerationCheck, forwarderCheck, toolsCheck, foldersCheck, spaceCheck, memoryCheck, clockCheck, proxyCheck, certificatesCheck, configCheck, imagesCheck, recordsCheck, locksCheck,
];
export const machineChecks: readonly MachineCheck[] = [stateCheck, notesCheck, effectiveAcceleratorCheck, processorCheck, diskCheck, keyCheck, portsCheck, specCheck, guestCheck, socketsCheck];

/** What one check said. */
export interface Examined extends Verdict {
  readonly title: string;
  /** The machine it is about; undefined for the host. */
  readonly machine?: string;
}

/** Looks at the host and its machines; changes nothing. */
export async function diagnose(patient: Patient): Promise<readonly Examined[]> {
  const examined: Examined[] = [];
  for (const check of hostChecks) examined.push({ title: check.title, ...(await safely(() => check.look(patient))) });
  for (const machine of patient.machines) {
    for (const check of machineChecks) {
      if (check.applies?.(machine) === false) continue;
      examined.push({ title: check.title, machine: machine.record.name, ...(await safely(() => check.look(machine, patient))) });
    }
  }
  return examined;
}

/** A check that fails itself is something to know of as well. */
async function safely(look: () => Promise<Verdict> | Verdict): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    const finding: Finding = { id: "check-failed", level: "warning", what: `this could not be looked at: ${messageOf(error)}`, fix: "Try again; if it stays so, tell us" };
    return { findings: [finding] };
  }
}
