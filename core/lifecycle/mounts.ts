import { MachineError } from "../errors.ts";
import { mountScript } from "../guest-mounts.ts";
import { execAsRoot } from "../guest-root.ts";
import type { GuestShell } from "../model.ts";
import type { ShareMount } from "../roles/launcher.ts";

/**
 * Brings the volumes of the running guest to what is listed: mounts those, and unmounts what is gone. Can be repeated.
 * Throws MachineError "ssh" with what the guest said; all that could be done is done then.
 */
export async function mountShares(mounts: readonly ShareMount[], guest: GuestShell, user: string, gone: readonly ShareMount[] = []): Promise<void> {
  const { exitCode, stderr } = await execAsRoot(guest, user, ["/bin/sh", "-c", mountScript(mounts, gone)]);
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
