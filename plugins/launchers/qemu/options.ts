import type { AcceleratorName } from "./accelerators.ts";

/** What can be said about the VM beyond the spec. */
export interface QemuOptions {
  /**
   * Further flags of QEMU, as words ("-device", "virtio-gpu-pci") or pairs (["-append", "-s"]). One that QEMU takes once (-m, -cpu,
   * -machine, ...) replaces ours; one that can be repeated (-device, -netdev, ...) is added. Default: none.
   */
  readonly args?: readonly (string | readonly [flag: string, value?: string])[];
  /** The program, by name or absolute path. Default: qemu-system-x86_64 or qemu-system-aarch64, by the architecture. */
  readonly binary?: string;
  /** Machine type. Default: "pc" on x86_64, "virt" on aarch64. Another one may not be able to replace a crashed forwarder. */
  readonly machine?: string;
  /** CPU model, with features: "max", "Nehalem,aes=on". Default: "host" with kvm and hvf, else one that boots fast; on x86_64 that is x86-64-v2, and a guest that needs v3 (RHEL 10) needs another. */
  readonly cpu?: string;
  /** Only this one, or an error. Default: the best that works. */
  readonly accelerator?: AcceleratorName;
  /** The program that shares folders, by name or absolute path; with false, or without one, folders go over 9p. Default: the first virtiofsd that runs here. */
  readonly virtiofsd?: string | false;
  /** Where the screen is shown, in QEMU's words: "vnc=127.0.0.1:1". Adds a graphics card. Default: "none". */
  readonly display?: string;
}
