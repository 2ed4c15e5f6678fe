import type { Status } from "../machine.ts";
import type { ResolvedPort } from "../model.ts";
import type { MachineRecord } from "../record.ts";

/** podman's three states, and "unknown". A machine that is going down, or whose keeper is lost, still runs. */
export function podmanState(state: Status["state"]): "running" | "stopped" | "starting" | "unknown" {
  if (state === "stopped" || state === "starting") return state;
  return state === "absent" ? "unknown" : "running";
}

/** The time that Go prints for a moment that never was. */
export const neverIso = "0001-01-01T00:00:00Z";

/** Which accelerator was wanted and which one it is; null before the first start. */
export function acceleratorView({ last }: MachineRecord, keeper: Status["keeper"]): { readonly Asked: string | null; readonly Effective: string | null } {
  return { Asked: last?.accelerators[0]?.name ?? null, Effective: keeper?.accelerator ?? last?.accelerator ?? null };
}

/** Ports that are open while it runs, else those of the spec. */
export function portsView({ spec }: MachineRecord, keeper: Status["keeper"]): readonly object[] {
  return (keeper?.ports ?? spec.ports).map(portView);
}

/** One port in the keys of inspect. */
export function portView({ host, hostPort, guestPort, protocol }: ResolvedPort): object {
  return { HostIP: host, HostPort: hostPort, GuestPort: guestPort, Protocol: protocol };
}

/** Ports as docker prints them: "127.0.0.1:8080->80/tcp". */
export function portsText(ports: readonly ResolvedPort[]): string {
  return ports.map(({ host, hostPort, guestPort, protocol }) => `${host}:${hostPort}->${guestPort}/${protocol}`).join(", ");
}
