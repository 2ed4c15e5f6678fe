import { checkVersion, findVersion, MachineError, requireProgram, type Architecture, type HostFacts } from "glowplug";
import { machineTypeFor } from "./machine-types.ts";

/** The QEMU of a host, and what it can do. */
export interface Qemu {
  readonly program: string;
  /** "7.2.22"; undefined where it could not be asked because the host is elsewhere. */
  readonly version?: string;
  /** Whether it was built with the system call filter. */
  readonly sandbox: boolean;
}

/** Oldest QEMU that has `-netdev stream`. */
const oldest = "7.2";

/** What the system call filter forbids: gone system calls, other users, new programs, other priorities. As libvirt sets it. */
export const sandboxText = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/** Finds QEMU. Throws MachineError "missing-program". */
export function findQemu(host: HostFacts, arch: Architecture, binary: string | undefined): string {
  const { program } = machineTypeFor(arch);
  const arm = arch === "aarch64";
  return requireProgram(host, binary ?? program, {
    plugin: "qemu",
    packages: {
      debian: arm ? "qemu-system-arm qemu-efi-aarch64 qemu-utils" : "qemu-system-x86 qemu-utils",
      fedora: arm ? "qemu-system-aarch64-core edk2-aarch64 qemu-img" : "qemu-system-x86-core qemu-img",
      arch: arm ? "qemu-system-aarch64 edk2-aarch64 qemu-img" : "qemu-system-x86 qemu-img",
      suse: arm ? "qemu-arm qemu-uefi-aarch64 qemu-img" : "qemu-x86 qemu-img",
      alpine: arm ? "qemu-system-aarch64 aavmf qemu-img" : "qemu-system-x86_64 qemu-img",
      brew: "qemu",
    },
  });
}

/**
 * Finds QEMU and asks it, by one run where it has the filter and two where it has not. Throws MachineError "missing-program"
 * and "old-program".
 */
export async function askQemu(host: HostFacts, arch: Architecture, binary: string | undefined): Promise<Qemu> {
  const program = findQemu(host, arch, binary);
  if (!host.local) return { program, sandbox: host.os === "linux" };
  const filtered = host.os === "linux" ? await host.probe(program, ["-sandbox", sandboxText, "-version"]) : undefined;
  const sandbox = filtered?.exitCode === 0;
  const answer = filtered && sandbox ? filtered : await host.probe(program, ["-version"]);
  if (answer.exitCode !== 0) {
    const why = answer.stderr.trim().split("\n").at(-1) ?? "";
    throw new MachineError("missing-program", `${program} does not run: it ended with exit status ${answer.exitCode}${why === "" ? "" : `: ${why}`}`, {
      plugin: "qemu", hint: "Install it anew.",
    });
  }
  const version = findVersion(answer.stdout);
  checkVersion(version, { program, atLeast: oldest, plugin: "qemu", hint: `Install QEMU ${oldest} or newer; on Debian and Ubuntu the backports have one.` });
  return { program, sandbox, ...(version !== undefined && { version }) };
}
