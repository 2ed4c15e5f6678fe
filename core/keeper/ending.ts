import type { Child, ChildExit } from "./child.ts";
import { describeExit } from "./child.ts";

/** How a VM came to an end that nobody asked for. */
export interface VmEnd {
  /** For people: "the guest powered off". */
  readonly reason: string;
  /** Whether it is a failure: of the guest, of the VM, of a start. */
  readonly failed: boolean;
}

/** What the VM and its console told before the end. */
export interface LastSigns {
  /** QEMU's ShutdownCause (qapi/run-state.json), as far as it got to tell it. */
  readonly cause: string | undefined;
  /** What the kernel said when it panicked. */
  readonly panic: string | undefined;
}

const causes: Readonly<Record<string, VmEnd>> = {
  "guest-shutdown": { reason: "the guest powered off", failed: false },
  "guest-reset": { reason: "the guest rebooted, and its VM ends then", failed: false },
  "guest-panic": { reason: "the guest panicked", failed: true },
  "host-qmp-quit": { reason: "the VM was told to quit over its monitor", failed: false },
  "host-signal": { reason: "the VM was ended by a signal from outside", failed: false },
  "host-ui": { reason: "the VM's window was closed", failed: false },
  "host-error": { reason: "the VM ended because of an error of the host", failed: true },
};

/** The end of a VM, from what it told and from how its process ended. */
export function endingOf({ name }: Pick<Child, "name">, exit: ChildExit, { cause, panic }: LastSigns): VmEnd {
  if (panic !== undefined || cause === "guest-panic") return { reason: panic ? `the guest panicked: ${panic}` : "the guest panicked", failed: true };
  const known = cause === undefined ? undefined : (causes[cause] ?? { reason: `the VM went down: ${cause}`, failed: false });
  // QEMU tells of a shutdown and may still fail on its way out.
  if (known && (exit.code === 0 || exit.code === null) && exit.signal === null) return known;
  return { reason: `${name} ${describeExit(exit)}`, failed: exit.code !== 0 };
}
