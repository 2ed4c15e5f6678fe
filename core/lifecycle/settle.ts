import { MachineError } from "../errors.ts";
import { hostsLine } from "../guest-hosts.ts";
import { mountScript } from "../guest-mounts.ts";
import { execAsRoot } from "../guest-root.ts";
import type { GuestShell } from "../model.ts";
import type { ShareMount } from "../roles/launcher.ts";

/** What a guest that runs is brought to. */
export interface Settlement {
  readonly mounts: readonly ShareMount[];
  /** Volumes that it shall let go of. Default: none beyond those that earlier starts mounted. */
  readonly gone?: readonly ShareMount[];
  /** Volumes whose device has nothing behind it any more. Default: none. */
  readonly lost?: readonly ShareMount[];
  /** Names of the host and the gateway, with addresses. Left as they are where undefined. */
  readonly names?: Readonly<Record<string, string>>;
}

/**
 * Brings the guest's volumes and its names of the host to what they shall be, by one command. Can be repeated.
 * Throws MachineError "ssh" with what the guest said; all that could be done is done then.
 */
export async function settleGuest({ mounts, gone = [], lost = [], names }: Settlement, guest: GuestShell, user: string): Promise<void> {
  const script = `${names ? `{ ${hostsLine("host", names)}\n} || echo '/etc/hosts: not written' >&2\n` : ""}${mountScript(mounts, gone, lost)}`;
  const { exitCode, stderr } = await execAsRoot(guest, user, ["/bin/sh", "-c", script]);
  if (exitCode === 0) return;
  const lines = stderr.trim().split("\n");
  const why = lines.find((line) => [...mounts, ...gone].some(({ share }) => line.startsWith(`${share.target}: `))) ?? lines.at(-1) ?? "";
  throw new MachineError("ssh", `the guest's volumes are not as they should be: ${why || `exit status ${exitCode}`}`, { stage: "volumes", details: lines, ...hintOf(why) });
}

function hintOf(why: string): { readonly hint?: string } {
  if (/nknown filesystem.*9p/i.test(why)) return { hint: "The guest's kernel has no 9p: install virtiofsd on the host, which volumes then go through, or take an image whose kernel has it." };
  if (/nknown filesystem/i.test(why)) return { hint: "The guest's kernel does not know this file system: take an image with another one." };
  if (/busy/i.test(why)) return { hint: "A program or container of the guest uses the volume: stop it first." };
  if (/Read-only file system|not permitted/i.test(why)) return { hint: "The image lets nobody make this folder: choose a target below /mnt, /var or /home." };
  return {};
}
