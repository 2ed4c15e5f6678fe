import type { Accelerator, Architecture, HostFacts } from "glowplug";
import { findQemu } from "./binary.ts";

export type AcceleratorName = "kvm" | "hvf" | "tcg";

/** The accelerators of a host for guests of an architecture, best first, each with the reason when it is not to be believed. */
export async function accelerators(host: HostFacts, arch: Architecture, binary: string | undefined): Promise<readonly Accelerator[]> {
  const name = host.os === "darwin" ? "hvf" : "kvm";
  const reason = await whyNot(name, host, arch, binary);
  return [{ name, usable: reason === undefined, ...(reason !== undefined && { reason }) }, { name: "tcg", usable: true }];
}

async function whyNot(name: "kvm" | "hvf", host: HostFacts, arch: Architecture, binary: string | undefined): Promise<string | undefined> {
  if (arch !== host.arch) return `a guest for ${arch} cannot run on the processor of this host, which is ${host.arch}`;
  if (!host.local) return undefined;
  const reason = name === "kvm" ? kvmReason(host) : await hvfReason(host);
  return reason ?? (await refusal(name, host, arch, binary));
}

/** The cheap signs. A hypervisor below us may show /dev/kvm and let it open, without being able to run a guest in it. */
function kvmReason(host: HostFacts): string | undefined {
  if (host.firstFile(["/dev/kvm"]) === undefined) return "/dev/kvm is missing: the kernel has no KVM, or the processor's virtualization is switched off in the firmware";
  if (host.arch === "x86_64" && !host.cpuFlags.some((flag) => flag === "vmx" || flag === "svm")) {
    return "/dev/kvm is there, but the CPU shows neither vmx nor svm: a guest would hang";
  }
  return undefined;
}

/** kern.hv_support is 1 where the Hypervisor framework works; in most VMs it does not. */
async function hvfReason(host: HostFacts): Promise<string | undefined> {
  const { exitCode, stdout } = await host.probe("/usr/sbin/sysctl", ["-n", "kern.hv_support"]);
  return exitCode === 0 && stdout.trim() === "1" ? undefined : "this Mac does not offer the Hypervisor framework (kern.hv_support is not 1)";
}

/** Lets QEMU open the accelerator without a machine, and end. It says no where the device may not be opened or the program is not entitled to. */
async function refusal(name: string, host: HostFacts, arch: Architecture, binary: string | undefined): Promise<string | undefined> {
  const argv = ["-accel", name, "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "stdio", "-S"];
  try {
    const { exitCode, stderr } = await host.probe(findQemu(host, arch, binary), argv, { input: "quit\n", timeoutMs: 10_000 });
    if (exitCode === 0) return undefined;
    const line = stderr.trim().split("\n")[0]?.replace(/^\S*qemu\S*: (?:-accel \w+: )?/, "");
    const group = name === "kvm" && /permission denied/i.test(stderr) ? "; `sudo usermod -aG kvm $USER` and a new login let you" : "";
    return `QEMU cannot use ${name}: ${line === undefined || line === "" ? `exit status ${exitCode}` : line}${group}`;
  } catch (error) {
    return `QEMU cannot use ${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
