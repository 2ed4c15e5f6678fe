import { quote } from "../command.ts";
import { MachineError } from "../errors.ts";
import type { GuestShell } from "../model.ts";
import type { BootPlan } from "../roles/launcher.ts";

/** Options of each kind of mount. 9p: the protocol that Linux speaks best, and a message size that is not tiny (kernel's 9p.rst). */
const options = { virtiofs: [], "9p": ["trans=virtio", "version=9p2000.L", "msize=131072"] } as const;

/** Mounts the shares in the guest, which has just come up; one that is mounted already stays. Throws MachineError "ssh" with what the guest said. */
export async function mountShares(mounts: BootPlan["mounts"], guest: GuestShell): Promise<void> {
  for (const { share, kind, tag } of mounts) {
    const words = [...options[kind], ...(share.readOnly ? ["ro"] : [])];
    const target = quote(share.target);
    const mount = `mkdir -p ${target} && mount -t ${kind} ${words.length > 0 ? `-o ${words.join(",")} ` : ""}${quote(tag)} ${target}`;
    const line = `grep -qF ${quote(`${tag} ${escaped(share.target)} ${kind} `)} /proc/self/mounts || { ${mount}; }`;
    const { exitCode, stderr } = await guest.exec(["sudo", "-n", "sh", "-c", line]);
    if (exitCode === 0) continue;
    throw new MachineError("ssh", `cannot mount ${share.source} at ${share.target} in the guest: ${stderr.trim() || `exit status ${exitCode}`}`, {
      stage: "volumes", hint: kind === "9p" ? "The guest's kernel may lack 9p; with virtiofsd on the host, virtiofs is used instead." : "The guest's kernel may lack virtiofs.",
    });
  }
}

/** A path as /proc/self/mounts has it: proc_pid_mounts(5) and seq_path() of the kernel. */
function escaped(path: string): string {
  return path.replaceAll(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
