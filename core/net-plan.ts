import type { Command } from "./command.ts";
import type { NetLink, ResolvedPort } from "./model.ts";

/**
 * How a port is opened while the machine runs. In strings, {protocol} {host} {hostPort} {guestPort} are filled in.
 * http: a request to a unix socket. monitor: a line for the VM's human monitor. ssh: the keeper listens and carries it over ssh (tcp only).
 */
export type ExposeMethod =
  | {
      readonly kind: "http"; readonly socket: string; readonly add: HttpCall; readonly remove: HttpCall; readonly list?: string;
      /** Ports of the host below it are carried over ssh: the forwarder has given up the right to open them. Default: none are. */
      readonly lowestPort?: number;
    }
  | { readonly kind: "monitor"; readonly add: string; readonly remove: string }
  | { readonly kind: "ssh" };
export interface HttpCall { readonly path: string; readonly body: Readonly<Record<string, string>> }

/** The network about to be set up. The `beforeBoot` hook may change the command. */
export interface NetPlan {
  /** The forwarder's own process; undefined where the VM does it. Spawned before the VM. */
  readonly command?: Command;
  /** Sockets that must listen before the VM is spawned. */
  readonly listens: readonly string[];
  readonly link: NetLink;
  /** Where ssh answers on the host. */
  readonly ssh: { readonly host: string; readonly port: number };
  readonly expose: ExposeMethod;
  /** Ports of the spec that are open as soon as the VM runs, without `expose`. */
  readonly openAtStart: readonly ResolvedPort[];
  /** True where the guest's own podman asks the forwarder for its containers' ports (the gvproxy marker file). */
  readonly guestOpensPorts: boolean;
  /** Names that the guest and its containers shall know, with addresses: host.containers.internal and the like. */
  readonly names: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}
