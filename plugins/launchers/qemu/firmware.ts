import { dirname, join } from "node:path";
import { installCommand, MachineError, type BootInput, type Command, type HostFacts, type PlannedFile } from "glowplug";
import { optionText } from "./option-text.ts";

/** Each flash bank of the `virt` machine, in bytes; its images must have that size (hw/arm/virt.c). */
const flashSize = 64 * 2 ** 20;

/** UEFI code for AArch64, padded to a flash bank. Plain QEMU_EFI.fd is not, so it is no candidate. */
function candidates(host: HostFacts, program: string): string[] {
  const own = join(dirname(dirname(program)), "share/qemu/edk2-aarch64-code.fd");
  const mac = ["/opt/homebrew/share/qemu/edk2-aarch64-code.fd", "/usr/local/share/qemu/edk2-aarch64-code.fd", "/opt/homebrew/opt/podman/libexec/share/qemu/edk2-aarch64-code.fd"];
  const linux = [
    "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_CODE.fd", // Debian, Ubuntu
    "/usr/share/edk2/aarch64/QEMU_EFI-silent-pflash.raw", "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", // Fedora
    "/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/AAVMF/QEMU_EFI-pflash.raw", // Arch, openSUSE, Alpine
    "/usr/share/qemu/edk2-aarch64-code.fd",
  ];
  const usual = host.os === "darwin" ? mac : linux;
  // A bare name has no folder beside it to look in.
  return program.startsWith("/") ? [...(host.os === "darwin" ? [own] : []), ...usual, ...(host.os === "darwin" ? [] : [own])] : usual;
}

/** The UEFI code of this host. Throws MachineError "missing-program" with where we looked. */
export function findFirmware(host: HostFacts, program: string): string {
  const all = candidates(host, program);
  const found = host.firstFile(all);
  if (found !== undefined) return found;
  const line = installCommand(host, { debian: "qemu-efi-aarch64", fedora: "edk2-aarch64", arch: "edk2-aarch64", suse: "qemu-uefi-aarch64", alpine: "aavmf", brew: "qemu" });
  throw new MachineError("missing-program", "no UEFI firmware for AArch64 guests is installed", {
    plugin: "qemu", details: all.map((path) => `not there: ${path}`), hint: line === undefined ? "Install the edk2 firmware for AArch64." : `\`${line}\` installs it.`,
  });
}

/** Adds the two flash banks: code, and the machine's own variables, which begin as zeros and are kept from boot to boot. */
export function addFirmware(command: Command, program: string, { host, folders }: BootInput): PlannedFile[] {
  const variables = join(folders.data, "uefi-variables.fd");
  command.add("-drive", optionText(undefined, { if: "pflash", unit: 0, format: "raw", readonly: true, file: findFirmware(host, program) }));
  command.add("-drive", optionText(undefined, { if: "pflash", unit: 1, format: "raw", file: variables }));
  return [{ path: variables, content: { zeros: flashSize }, keep: true }];
}
