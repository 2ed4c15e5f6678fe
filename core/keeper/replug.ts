import { MachineError, messageOf } from "../errors.ts";
import type { QmpStep } from "../roles/launcher.ts";
import { isNoSuchDevice, type Qmp } from "./qmp.ts";

/**
 * Longest wait for each step. The guest itself lets the card go: one on PCI's root bus took 0.3 s in software, and behind a root port
 * of PCI Express it first waits 5 s for a change of mind (the kernel's pciehp_ctrl.c).
 */
const stepLimitMs = 30_000;

/**
 * Plugs the guest's network card anew by the plan's steps, so that it is linked with the forwarder that now listens in place of one
 * that is gone. The guest then asks for its address again; open ports are the forwarder's to open anew. Can be repeated after a
 * failure halfway: what is unplugged already is passed over. Throws MachineError "keeper" naming the step.
 */
export async function replugNic(qmp: Qmp, steps: readonly QmpStep[], limitMs = stepLimitMs): Promise<void> {
  for (const step of steps) {
    try {
      await qmp.step(step, limitMs);
    } catch (error) {
      if (isNoSuchDevice(error)) continue;
      throw new MachineError("keeper", `the guest's network card cannot be plugged anew: ${messageOf(error)}`, {
        cause: error, stage: step.execute, hint: "`glowplug restart` gives the machine its network back.",
      });
    }
  }
}
