import { describe, expect, it } from "vitest";
import { foreignHost } from "../../../../core/host.ts";
import { accelerators } from "../../../../plugins/launchers/qemu/accelerators.ts";
import { hostOf, type HostParts } from "../../../fixtures/hosts.ts";

const programs = { "qemu-system-x86_64": "/usr/bin/qemu-system-x86_64", "qemu-system-aarch64": "/usr/bin/qemu-system-aarch64" };
const linux = (parts: HostParts = {}) => hostOf("linux/amd64", { programs, files: ["/dev/kvm"], cpuFlags: ["lm", "svm"], answers: { "/usr/bin/qemu-system": {} }, ...parts });
const mac = (parts: HostParts = {}) => hostOf("darwin/arm64", { programs, answers: { "/usr/sbin/sysctl": { stdout: "1\n" }, "/usr/bin/qemu-system": {} }, ...parts });
const tcg = { name: "tcg", usable: true };

describe("on Linux", () => {
  it("KVM comes first when QEMU can open it", async () => {
    const host = linux();
    expect(await accelerators(host, "x86_64", undefined)).toEqual([{ name: "kvm", usable: true }, tcg]);
    expect(host.asked).toEqual(['/usr/bin/qemu-system-x86_64 -accel kvm -machine none -nodefaults -no-user-config -display none -monitor stdio -S < "quit\\n"']);
  });

  it.each([
    ["without /dev/kvm", linux({ files: [] }), "/dev/kvm is missing: the kernel has no KVM, or the processor's virtualization is switched off in the firmware"],
    ["on a CPU that shows neither vmx nor svm", linux({ cpuFlags: ["lm", "hypervisor"] }), "/dev/kvm is there, but the CPU shows neither vmx nor svm: a guest would hang"],
    [
      "when the user may not open it",
      linux({ answers: { "/usr/bin/qemu-system": { exitCode: 1, stderr: "Could not access KVM kernel module: Permission denied\nqemu-system-x86_64: -accel kvm: failed to initialize kvm: Permission denied\n" } } }),
      "QEMU cannot use kvm: Could not access KVM kernel module: Permission denied; `sudo usermod -aG kvm $USER` and a new login let you",
    ],
    [
      "when QEMU was built without it",
      linux({ answers: { "/usr/bin/qemu-system": { exitCode: 1, stderr: "qemu-system-x86_64: -accel kvm: invalid accelerator kvm\n" } } }),
      "QEMU cannot use kvm: invalid accelerator kvm",
    ],
    ["without QEMU", linux({ programs: {} }), "QEMU cannot use kvm: qemu-system-x86_64 is not installed"],
  ])("KVM is not believed %s", async (_, host, reason) => {
    expect(await accelerators(host, "x86_64", undefined)).toEqual([{ name: "kvm", usable: false, reason }, tcg]);
  });

  it("AArch64 processors have no such flag", async () => {
    const host = hostOf("linux/arm64", { programs, files: ["/dev/kvm"], cpuFlags: ["fp", "asimd"], answers: { "/usr/bin/qemu-system-aarch64": {} } });
    expect(await accelerators(host, "aarch64", undefined)).toEqual([{ name: "kvm", usable: true }, tcg]);
  });
});

describe("on macOS", () => {
  it("hvf comes first where the framework works", async () => {
    expect(await accelerators(mac(), "aarch64", undefined)).toEqual([{ name: "hvf", usable: true }, tcg]);
  });

  it("hvf is not believed where the system does not offer it", async () => {
    const reason = "this Mac does not offer the Hypervisor framework (kern.hv_support is not 1)";
    expect(await accelerators(mac({ answers: { "/usr/sbin/sysctl": { stdout: "0\n" } } }), "aarch64", undefined)).toEqual([{ name: "hvf", usable: false, reason }, tcg]);
  });
});

describe("everywhere", () => {
  it("a guest of another architecture runs in software alone, and nothing is probed", async () => {
    const host = linux();
    const reason = "a guest for aarch64 cannot run on the processor of this host, which is x86_64";
    expect(await accelerators(host, "aarch64", undefined)).toEqual([{ name: "kvm", usable: false, reason }, tcg]);
    expect(host.asked).toEqual([]);
  });

  it("a host elsewhere is taken for a good one", async () => {
    expect(await accelerators(foreignHost("darwin/arm64"), "aarch64", undefined)).toEqual([{ name: "hvf", usable: true }, tcg]);
    expect(await accelerators(foreignHost("linux/amd64"), "x86_64", undefined)).toEqual([{ name: "kvm", usable: true }, tcg]);
  });
});
