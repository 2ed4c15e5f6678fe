import { describe, expect, it } from "vitest";
import { foreignHost } from "../../../../core/host.ts";
import { askQemu } from "../../../../plugins/launchers/qemu/binary.ts";
import { hostOf } from "../../../fixtures/hosts.ts";

const program = "/usr/bin/qemu-system-x86_64";
const programs = { "qemu-system-x86_64": program, "qemu-system-aarch64": "/opt/homebrew/bin/qemu-system-aarch64" };
const text = (version: string) => ({ stdout: `QEMU emulator version ${version} (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright (c) 2003-2022 Fabrice Bellard\n` });

describe("asking QEMU", () => {
  it("takes one run to learn its version and that it filters system calls", async () => {
    const host = hostOf("linux/amd64", { programs, answers: { [`${program} -sandbox`]: text("7.2.22") } });
    expect(await askQemu(host, "x86_64", undefined)).toEqual({ program, version: "7.2.22", sandbox: true });
    expect(host.asked).toEqual([`${program} -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -version`]);
  });

  it("takes a second one where it was built without the filter", async () => {
    const host = hostOf("linux/amd64", { programs, answers: { [`${program} -sandbox`]: { exitCode: 1, stderr: "-sandbox support is not enabled" }, [`${program} -version`]: text("9.2.0") } });
    expect(await askQemu(host, "x86_64", undefined)).toEqual({ program, version: "9.2.0", sandbox: false });
  });

  it("does not try the filter on macOS, which has none", async () => {
    const host = hostOf("darwin/arm64", { programs, answers: { "/opt/homebrew/bin/qemu-system-aarch64 -version": text("10.0.2") } });
    expect(await askQemu(host, "aarch64", undefined)).toEqual({ program: "/opt/homebrew/bin/qemu-system-aarch64", version: "10.0.2", sandbox: false });
  });

  it("takes the program that the user names", async () => {
    const host = hostOf("linux/amd64", { programs: { "/opt/qemu": "/opt/qemu" }, answers: { "/opt/qemu": text("8.1.0") } });
    expect(await askQemu(host, "x86_64", "/opt/qemu")).toMatchObject({ program: "/opt/qemu", version: "8.1.0" });
  });

  it("asks nothing of a host elsewhere", async () => {
    expect(await askQemu(foreignHost("linux/amd64"), "x86_64", undefined)).toEqual({ program: "qemu-system-x86_64", sandbox: true });
    expect(await askQemu(foreignHost("darwin/arm64"), "aarch64", undefined)).toEqual({ program: "qemu-system-aarch64", sandbox: false });
  });
});

describe("a QEMU that cannot be used", () => {
  it.each([
    ["Debian, x86_64", "linux/amd64", { ID: "debian" }, "x86_64", "`sudo apt install qemu-system-x86 qemu-utils` installs it."],
    ["Debian, AArch64", "linux/arm64", { ID: "debian" }, "aarch64", "`sudo apt install qemu-system-arm qemu-efi-aarch64 qemu-utils` installs it."],
    ["Fedora", "linux/amd64", { ID: "fedora" }, "x86_64", "`sudo dnf install qemu-system-x86-core qemu-img` installs it."],
    ["macOS", "darwin/arm64", {}, "aarch64", "`brew install qemu` installs it."],
  ] as const)("is missing on %s, with the command that installs it", async (_, name, osRelease, arch, hint) => {
    await expect(askQemu(hostOf(name, { osRelease }), arch, undefined)).rejects.toMatchObject({ code: "missing-program", plugin: "qemu", hint });
  });

  it("is too old", async () => {
    const host = hostOf("linux/amd64", { programs, answers: { [program]: text("6.2.0") } });
    await expect(askQemu(host, "x86_64", undefined)).rejects.toMatchObject({ code: "old-program", message: `${program} is 6.2.0; version 7.2 or newer is needed` });
  });

  it("does not run", async () => {
    const host = hostOf("linux/amd64", { programs, answers: { [program]: { exitCode: 127, stderr: "error while loading shared libraries: libfdt.so.1\n" } } });
    await expect(askQemu(host, "x86_64", undefined)).rejects.toMatchObject({ code: "missing-program", message: `${program} does not run: it ended with exit status 127: error while loading shared libraries: libfdt.so.1` });
  });

  it("has no machine for the architecture", async () => {
    await expect(askQemu(hostOf("linux/amd64", { programs }), "s390x", undefined)).rejects.toMatchObject({
      code: "unsupported-host", message: "qemu: guests of the architecture s390x are not supported; x86_64 and aarch64 are",
    });
  });
});
