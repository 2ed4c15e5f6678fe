import { describe, expect, it } from "vitest";
import { findFirmware } from "../../../../plugins/launchers/qemu/firmware.ts";
import { hostOf } from "../../../fixtures/hosts.ts";

const linux = (...files: string[]) => hostOf("linux/arm64", { files, osRelease: { ID: "debian" } });

describe("UEFI firmware for AArch64", () => {
  it.each([
    ["Debian 12", "/usr/share/AAVMF/AAVMF_CODE.fd"],
    ["Debian 13", "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd"],
    ["Fedora", "/usr/share/edk2/aarch64/QEMU_EFI-silent-pflash.raw"],
    ["QEMU built by hand", "/opt/qemu/share/qemu/edk2-aarch64-code.fd"],
  ])("is found where %s puts it", (_, path) => expect(findFirmware(linux(path), "/opt/qemu/bin/qemu-system-aarch64")).toBe(path));

  it("comes from beside the program on macOS, also where Homebrew is not at its usual place", () => {
    const beside = "/Users/me/brew/share/qemu/edk2-aarch64-code.fd";
    const usual = "/opt/homebrew/share/qemu/edk2-aarch64-code.fd";
    expect(findFirmware(hostOf("darwin/arm64", { files: [beside, usual] }), "/Users/me/brew/bin/qemu-system-aarch64")).toBe(beside);
    expect(findFirmware(hostOf("darwin/arm64", { files: [usual] }), "/opt/homebrew/bin/qemu-system-aarch64")).toBe(usual);
  });

  it("is missed with where it was looked for", () => {
    expect(() => findFirmware(linux(), "/usr/bin/qemu-system-aarch64")).toThrowError(expect.objectContaining({
      code: "missing-program", message: "no UEFI firmware for AArch64 guests is installed", hint: "`sudo apt install qemu-efi-aarch64` installs it.",
      details: expect.arrayContaining(["not there: /usr/share/AAVMF/AAVMF_CODE.fd"]) as string[],
    }));
  });
});
