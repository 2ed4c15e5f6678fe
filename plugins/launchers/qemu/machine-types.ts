import { compareVersions, MachineError, type Architecture } from "glowplug";

/** Where the network card sits. The place is fixed: the guest names the card by it, also when disks and shares come and go. */
export interface NicSlot {
  readonly bus?: string;
  readonly addr?: string;
  /** Behind a root port of its own at that place: on PCI Express only such a slot can be plugged while the guest runs. */
  readonly rootPort?: boolean;
  /** Whether a card can be plugged there while the guest runs. */
  readonly hotplug: boolean;
}

/** Where shared folders are plugged while the guest runs: one bus has room for all, or each of these root ports for one. */
export type ShareSlots = { readonly bus: string } | { readonly ports: readonly string[] };

/** What QEMU calls the parts of a machine of one architecture. */
export interface MachineType {
  readonly program: string;
  readonly type: string;
  /** CPU model by accelerator. */
  readonly cpu: Readonly<Record<"kvm" | "hvf" | "tcg", string>>;
  /** Further properties of -machine. */
  properties(facts: { readonly accelerator: string; readonly cpus: number }): Readonly<Record<string, string | number>>;
  /** Card for a display. */
  readonly graphics: string;
  /** The device by which a guest tells that its kernel panicked (docs/specs/pvpanic of QEMU). Linux knows the one on PCI since 5.13, the other for longer. */
  readonly panic: "pvpanic" | "pvpanic-pci";
  /** Boots by UEFI, from flash. */
  readonly uefi: boolean;
}

/**
 * The processor that tcg plays for x86_64. Not `max`: with it, services of a systemd 252 guest fail under QEMU 7.2 ("Device or resource
 * busy"), while Nehalem (x86-64-v2) boots every time. Model and stepping are those of an Atom that executes in order (Cedarview): Linux knows
 * that Meltdown and Spectre do not touch it (cpu_vuln_whitelist in arch/x86/kernel/cpu/common.c) and leaves out page-table
 * isolation and retpolines, which no emulated processor needs and which cost a quarter of the time to boot.
 * The features of x86-64-v3 cannot be added: below CPUID level 13 the kernel leaves AVX off while programs still see it and die (netavark
 * 1.4: invalid opcode), and with that level the kernel of Debian 12 hung at its start.
 */
const emulatedX86 = "Nehalem,model=54,stepping=1";

/** On PCI Express each folder needs a root port that was there at the start. */
const sharePorts = ["shareport0", "shareport1", "shareport2", "shareport3"];

const machineTypes: Partial<Record<Architecture, MachineType>> = {
  /**
   * i440fx: a card on its root bus can be plugged while the guest runs, which q35's cannot; behind a root port of q35 the card
   * got no address in a Debian 12 guest.
   */
  x86_64: {
    program: "qemu-system-x86_64", type: "pc", cpu: { kvm: "host", hvf: "host", tcg: emulatedX86 }, properties: () => ({}),
    graphics: "VGA", panic: "pvpanic", uefi: false,
  },
  /**
   * gic-version: kvm needs the host's, and `max` is that; under hvf the default (2) has room for 8 processors, and 3 works
   * since QEMU 8.0. The tcg model is the newest that needs no pointer authentication, which is slow to emulate.
   */
  aarch64: {
    program: "qemu-system-aarch64", type: "virt", cpu: { kvm: "host", hvf: "host", tcg: "cortex-a72" },
    properties: ({ accelerator, cpus }): Record<string, string | number> => (accelerator === "hvf" ? (cpus > 8 ? { "gic-version": 3 } : {}) : { "gic-version": "max" }),
    graphics: "virtio-gpu-pci", panic: "pvpanic-pci", uefi: true,
  },
};

/** Where the parts sit that come and go on a machine type of the user's choice: on the root bus of one that we know, else where QEMU puts them. */
export function placesOn(type: string): { readonly nic: NicSlot; readonly shares?: ShareSlots } {
  if (/^(pc|pc-i440fx-.*)$/.test(type)) return { nic: { bus: "pci.0", addr: "0x3", hotplug: true }, shares: { bus: "pci.0" } };
  if (/^(virt|virt-.*)$/.test(type)) return { nic: { bus: "pcie.0", addr: "0x3", rootPort: true, hotplug: true }, shares: { ports: sharePorts } };
  if (/^(q35|pc-q35-.*)$/.test(type)) return { nic: { bus: "pcie.0", addr: "0x3", hotplug: false } };
  return { nic: { hotplug: false } };
}

/** The machine for an architecture. Throws MachineError "unsupported-host" where we have none. */
export function machineTypeFor(arch: Architecture): MachineType {
  const found = machineTypes[arch];
  if (found) return found;
  throw new MachineError("unsupported-host", `qemu: guests of the architecture ${arch} are not supported; ${Object.keys(machineTypes).join(" and ")} are`, { plugin: "qemu" });
}

/** Whether this QEMU is at least that version; one that could not be asked counts as new. */
export function isAtLeast(version: string | undefined, wanted: string): boolean {
  return version === undefined || compareVersions(version, wanted) >= 0;
}
