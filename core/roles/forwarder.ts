import type { GuestPorts, HostFacts, LinkKind, ResolvedPort } from "../model.ts";
import type { NetPlan } from "../net-plan.ts";
import type { Plugin } from "../plugin.ts";

export type { ExposeMethod, HttpCall, NetPlan } from "../net-plan.ts";

/** What the core hands to a forwarder. */
export interface NetInput {
  readonly name: string;
  readonly host: HostFacts;
  /** Link kind that the launcher and this forwarder agree on. */
  readonly link: LinkKind;
  /** A MAC address of this machine's own, for networks that are shared. */
  readonly mac: string;
  /** Port on 127.0.0.1 that must lead to the guest's port 22. */
  readonly sshPort: number;
  readonly ports: readonly ResolvedPort[];
  /** Ports that the guest may ask for by itself. The keeper sees to it; with "none" the guest's podman need not be told that it can. */
  readonly guestPorts: GuestPorts;
  readonly folders: { readonly data: string; readonly runtime: string };
}

/** Networks the VM. Plans only: writes nothing and spawns nothing. */
export interface Forwarder extends Plugin {
  readonly role: "forwarder";
  readonly links: readonly LinkKind[];
  /** Whether ports can be opened while the machine runs. */
  readonly runtimePorts: boolean;
  /** Throws MachineError (missing-program, old-program, unsupported-host) when this host cannot run it. Called before anything is fetched, and to choose the default. */
  check(host: HostFacts): Promise<void> | void;
  /** Called at each start and by `plan`; must give the same answer for the same input. */
  plan(input: NetInput): Promise<NetPlan> | NetPlan;
}
