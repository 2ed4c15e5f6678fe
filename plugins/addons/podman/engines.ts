import { join } from "node:path";
import type { MachineInfo } from "glowplug";

/** One of the guest's podmans, and how the host gets to it. */
export interface Engine {
  readonly rootful: boolean;
  /** Who opens its socket in the guest. */
  readonly user: string;
  /** Where it listens in the guest. */
  readonly guest: string;
  /** The socket of the host that leads there, over ssh with the host key pinned. Undefined for a machine that serves no podman. */
  readonly host: string | undefined;
}

/** The user's podman and root's, the one that the machine prefers first: it has the machine's own API socket. Where root is the user they are one. */
export function enginesOf(machine: MachineInfo): readonly Engine[] {
  return machine.user === "root" ? [engineOf(machine, true)] : [engineOf(machine, machine.rootful), engineOf(machine, !machine.rootful)];
}

/** One of the two. */
export function engineOf({ user, uid, rootful: prefersRoot, apiSocket, folders }: MachineInfo, rootful: boolean): Engine {
  const isRoots = rootful || user === "root";
  const host = apiSocket !== undefined && user !== "root" && rootful !== prefersRoot ? join(folders.runtime, isRoots ? "root.sock" : "user.sock") : apiSocket;
  return { rootful: isRoots, user: isRoots ? "root" : user, guest: isRoots ? "/run/podman/podman.sock" : `/run/user/${uid}/podman/podman.sock`, host };
}
