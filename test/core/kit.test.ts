import { describe, expect, it } from "vitest";
import { foreignHost } from "../../core/host.ts";
import { checkOptions, checkVersion, compareVersions, findVersion, installCommand, programVersion, requireProgram, socketPath } from "../../core/kit.ts";
import type { HostFacts } from "../../core/model.ts";

const linux = (osRelease: Record<string, string>): HostFacts => ({ ...foreignHost("linux/amd64"), osRelease, find: () => undefined });
const packages = { debian: "gvproxy", fedora: "gvisor-tap-vsock-gvforwarder", brew: "podman" };

describe("the command that installs a package", () => {
  it.each([
    ["Debian", { ID: "debian" }, "sudo apt install gvproxy"],
    ["Linux Mint, by what it is like", { ID: "linuxmint", ID_LIKE: "ubuntu debian" }, "sudo apt install gvproxy"],
    ["Rocky Linux", { ID: "rocky", ID_LIKE: "rhel centos fedora" }, "sudo dnf install gvisor-tap-vsock-gvforwarder"],
    ["a system that the plugin knows no package for", { ID: "alpine" }, undefined],
    ["an unknown system", { ID: "haiku" }, undefined],
  ])("%s", (_, osRelease, line) => expect(installCommand(linux(osRelease), packages)).toBe(line));

  it("is Homebrew's on macOS", () => expect(installCommand(foreignHost("darwin/arm64"), packages)).toBe("brew install podman"));
});

describe("a program that a plugin needs", () => {
  it("is found by its path", () => {
    expect(requireProgram({ ...linux({}), find: (program) => `/usr/bin/${program}` }, "gvproxy", { plugin: "gvproxy", packages })).toBe("/usr/bin/gvproxy");
  });

  it("is looked for in the plugin's own folders too", () => {
    const host: HostFacts = { ...linux({}), find: (program, options) => options?.folders?.map((folder) => `${folder}/${program}`)[0] };
    expect(requireProgram(host, "virtiofsd", { plugin: "qemu", packages: {}, folders: ["/usr/libexec"] })).toBe("/usr/libexec/virtiofsd");
  });

  it("is missed with the command that installs it", () => {
    expect(() => requireProgram(linux({ ID: "debian" }), "gvproxy", { plugin: "gvproxy", packages, hint: "Or choose another forwarder." })).toThrowError(
      expect.objectContaining({ code: "missing-program", message: "gvproxy is not installed", plugin: "gvproxy", hint: "`sudo apt install gvproxy` installs it. Or choose another forwarder." }),
    );
  });

  it("is missed in general words where the system is unknown", () => {
    expect(() => requireProgram(linux({}), "gvproxy", { plugin: "gvproxy", packages })).toThrowError(expect.objectContaining({ hint: "Install gvproxy, and put its folder on PATH." }));
  });
});

describe("versions", () => {
  it.each([
    ["QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", "7.2.22"],
    ["gvproxy version v0.8.1", "0.8.1"],
    ["virtiofsd 1.13.2", "1.13.2"],
    ["no number here, but 7", undefined],
  ])("are found in %j", (text, version) => expect(findVersion(text)).toBe(version));

  it.each([["7.2", "7.2.0", 0], ["7.10", "7.9", 1], ["6.2.9", "7.2", -1], ["10.0.0", "9.2.1", 1]])("%s against %s", (left, right, sign) => {
    expect(Math.sign(compareVersions(left, right))).toBe(sign);
  });

  it("come from what a program prints, on either stream", async () => {
    const host: HostFacts = { ...linux({}), probe: (_, argv) => Promise.resolve({ exitCode: 0, stdout: "", stderr: argv.join() === "-v" ? "tool 1.2.3\n" : "" }) };
    expect(await programVersion(host, "tool", ["-v"])).toBe("1.2.3");
    expect(await programVersion(host, "tool")).toBeUndefined();
  });

  it("that are too old are refused with what was found", () => {
    const wanted = { program: "qemu-system-x86_64", atLeast: "7.2", plugin: "qemu" };
    expect(() => checkVersion("7.2.22", wanted)).not.toThrow();
    expect(() => checkVersion("6.2.0", wanted)).toThrowError(expect.objectContaining({ code: "old-program", message: "qemu-system-x86_64 is 6.2.0; version 7.2 or newer is needed", plugin: "qemu" }));
    expect(() => checkVersion(undefined, wanted)).toThrowError("qemu-system-x86_64 is of an unknown version; version 7.2 or newer is needed");
  });
});

it("refuses a socket path that does not fit, counted in bytes", () => {
  expect(socketPath(`/${"a".repeat(102)}`)).toHaveLength(103);
  expect(() => socketPath(`/${"ä".repeat(52)}`)).toThrowError(expect.objectContaining({ code: "host-limits", message: expect.stringContaining("has 105 bytes; 103 is the most that fits") as string }));
});

describe("options", () => {
  it("that a plugin has are let through", () => expect(() => checkOptions("qemu", { args: [] }, ["args", "cpu"])).not.toThrow());

  it.each([
    [{ arg: [] }, ["args", "cpu"], 'qemu has no option "arg"; did you mean "args"?', "It takes args, cpu."],
    [{ x: 1, y: 2 }, ["args"], 'qemu has no option "x", "y"', "It takes args."],
    [{ colour: 1 }, [], 'qemu has no option "colour"', "It takes none."],
  ])("that it has not are refused: %j", (options, known, message, hint) => {
    expect(() => checkOptions("qemu", options, known)).toThrowError(expect.objectContaining({ code: "bad-spec", plugin: "qemu", message, hint }));
  });
});
