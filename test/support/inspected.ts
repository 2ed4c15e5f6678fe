import type { World } from "./world.ts";

/** What `inspect` says of a machine, as far as tests ask. */
export interface Inspected {
  readonly State: string;
  readonly Condition: string;
  readonly Reason: string;
  readonly LastUp: string;
  readonly HostKey: string;
  readonly ConnectionInfo: { readonly PodmanSocket: { readonly Path: string } };
  readonly Keeper: { readonly Pid: number } | null;
  readonly Processes: readonly { readonly Name: string; readonly Pid: number }[];
  readonly Ended: { readonly At: string; readonly Reason: string } | null;
  readonly Restarts: { readonly Count: number; readonly Reason: string } | null;
}

/** Asks for one machine. */
export async function inspectIn(world: World, name: string): Promise<Inspected> {
  return (JSON.parse(await world.ok("inspect", name)) as [Inspected])[0];
}
