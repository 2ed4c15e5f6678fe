import type { HostFacts } from "../model.ts";
import type { Mistake } from "./mistakes.ts";

/** What a machine asks of the host that the host has not, in podman's words, and with its MB that are MiB. Memory is in bytes. */
export function checkLimits({ cpus, memory }: { readonly cpus?: number | undefined; readonly memory?: number | undefined }, host: Pick<HostFacts, "cpus" | "memory">): Mistake[] {
  const mistakes: Mistake[] = [];
  if (cpus !== undefined && cpus > host.cpus) {
    mistakes.push({ path: "cpus", code: "host-limits", message: `requested number of CPUs (${cpus}) greater than number of host CPUs (${host.cpus})` });
  }
  if (memory !== undefined && memory > host.memory) {
    const inMiB = (bytes: number): number => Math.floor(bytes / 2 ** 20);
    mistakes.push({ path: "memory", code: "host-limits", message: `requested amount of memory (${inMiB(memory)} MB) greater than total system memory (${inMiB(host.memory)} MB)` });
  }
  return mistakes;
}
