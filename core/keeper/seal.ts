import { chmodSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import type { KeeperPlan, ProcessPlan } from "./plan.ts";

/**
 * Takes away the right to make and remove anything beside a forwarder's sockets, once they listen: whoever is in the guest may have it
 * try, and could put a socket of its own in the place of the forwarder's control socket. Folders that others use too are left alone.
 */
export function sealFolders({ role, listens }: Pick<ProcessPlan, "role" | "listens">, folders: KeeperPlan["folders"]): void {
  if (role !== "forwarder") return;
  for (const folder of foldersOf(listens)) if (!Object.values(folders).includes(folder)) chmodSync(folder, 0o500);
}

/** Undoes it: before a forwarder is started once more, and before the folders are removed. */
export function openFolders(sockets: readonly string[]): void {
  for (const folder of foldersOf(sockets)) if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) chmodSync(folder, 0o700);
}

function foldersOf(sockets: readonly string[]): readonly string[] {
  return [...new Set(sockets.map((socket) => dirname(socket)))];
}
