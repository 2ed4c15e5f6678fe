import { describe, expect, it } from "vitest";
import { Command } from "glowplug";
import { applyUserArgs, parseUserArgs, userValue } from "../../../../plugins/launchers/qemu/user-args.ts";

const ours = () => new Command("qemu").add("-m", "2048M").add("-accel", "kvm").add("-machine", "pc").add("-device", "virtio-rng-pci").add("-S");
const apply = (...args: Parameters<typeof parseUserArgs>[0]) => applyUserArgs(ours(), parseUserArgs(args)).toArgv().join(" ");

describe("the user's flags", () => {
  it.each([
    ["words", ["-m", "4G", "-snapshot", "-device", "usb-tablet"], [["-m", "4G"], ["-snapshot"], ["-device", "usb-tablet"]]],
    ["pairs", [["-append", "-s quiet"], ["-no-reboot"]], [["-append", "-s quiet"], ["-no-reboot"]]],
    ["both mixed", ["-snapshot", ["-m", "4G"], "-cpu", "max"], [["-snapshot"], ["-m", "4G"], ["-cpu", "max"]]],
    ["two dashes", ["--device", "usb-tablet"], [["-device", "usb-tablet"]]],
    ["the short name of a flag", ["-M", "q35"], [["-machine", "q35"]]],
    ["none", [], []],
  ] as const)("may be %s", (_, args, parsed) => {
    expect(parseUserArgs(args)).toEqual(parsed.map(([flag, value]) => (value === undefined ? { flag } : { flag, value })));
  });

  it.each([
    [["-m"], "the flag -m in its args has no value"],
    [["-device", "-m", "4G"], "the flag -device in its args has no value"],
    [["-m 4G"], 'the flag "-m 4G" in its args has a blank'],
    [["4G"], '"4G" in its args is no flag'],
    [[""], '"" in its args is no flag'],
    [[["-snapshot", "on"]], 'the flag -snapshot in its args takes no value, and was given "on"'],
    [["-daemonize"], "the flag -daemonize in its args cannot be used: the keeper must stay the parent of the VM"],
    [["--version"], "the flag -version in its args cannot be used: it prints and ends"],
  ] as const)("%j are refused", (args, message) => {
    expect(() => parseUserArgs(args)).toThrowError(expect.objectContaining({ code: "bad-spec", plugin: "qemu", message: `qemu: ${message}` }));
  });
});

describe("put into a command", () => {
  it("a flag that QEMU takes once replaces ours, in its place", () => {
    expect(apply("-m", "8G")).toBe("-m 8G -accel kvm -machine pc -device virtio-rng-pci -S");
  });

  it("a flag that can be repeated is added at the end", () => {
    expect(apply("-device", "usb-tablet", "-device", "usb-kbd")).toBe("-m 2048M -accel kvm -machine pc -device virtio-rng-pci -S -device usb-tablet -device usb-kbd");
  });

  it("an unknown flag is added", () => expect(apply("-new-flag", "x")).toBe("-m 2048M -accel kvm -machine pc -device virtio-rng-pci -S -new-flag x"));

  it("the last of a flag that is taken once wins", () => expect(apply("-m", "1G", "-m", "3G")).toContain("-m 3G -accel"));

  it("accelerators replace ours and are tried in the user's order", () => {
    expect(apply("-accel", "hvf", "-accel", "tcg")).toBe("-m 2048M -accel hvf -machine pc -device virtio-rng-pci -S -accel tcg");
  });

  it("a flag that stands alone is there once", () => expect(apply("-S", "-snapshot")).toBe("-m 2048M -accel kvm -machine pc -device virtio-rng-pci -S -snapshot"));
});

it("the last value counts", () => expect(userValue(parseUserArgs(["-m", "1G", "-m", "2G"]), "-m")).toBe("2G"));
