import { describe, expect, it } from "vitest";
import type { BootInput, BootPlan, HostFacts } from "glowplug";
import qemu, { type QemuOptions } from "../../../plugins/launchers/qemu.ts";
import { hostOf } from "../../fixtures/hosts.ts";
import { bootInput } from "./qemu/boot-input.ts";

const plan = async (input: BootInput, options?: QemuOptions): Promise<BootPlan> => await qemu(options).plan(input);
/** The line with one flag and its value in each row. */
const rows = ({ vm }: BootPlan): string[] => [vm.program, ...vm.entries.map(({ flag, value }) => (value === undefined ? flag : `${flag} ${value}`))];

const linux = "/home/user/.local/share/glowplug/machines/web";
const mac = "/Users/user/Library/Application Support/glowplug/machines/web";
const sockets = (runtime: string) => ({
  control: ["-S", `-qmp unix:${runtime}/qmp.sock,server=on,wait=off`, `-chardev socket,id=console,path=${runtime}/console.sock,server=on,wait=off`, "-serial chardev:console"],
  ready: ["-device virtio-serial-pci", `-chardev socket,id=ready,path=${runtime}/ready.sock,server=on,wait=off`, "-device virtserialport,chardev=ready,name=org.glowplug.ready"],
});
const disk = (data: string) => [
  `-drive if=none,id=disk,file=${data}/disk.qcow2,format=qcow2,discard=unmap,detect-zeroes=unmap`, "-device virtio-blk-pci,drive=disk,bootindex=0",
  `-fw_cfg name=opt/com.coreos/config,file=${data}/ignition.json`,
];
const end = (program: string) => ["-device virtio-rng-pci", "-device virtio-balloon-pci,free-page-reporting=on", `-device ${program.endsWith("aarch64") ? "pvpanic-pci" : "pvpanic"}`];
const onRootBus = ["-device virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,bus=pci.0,addr=0x3,romfile="];
const onRootPort = ["-device pcie-root-port,id=nicport,bus=pcie.0,addr=0x3,chassis=1", "-device virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,bus=nicport,romfile="];
const stream = (runtime: string) => `-netdev stream,id=net0,server=off,addr.type=unix,addr.path=${runtime}/net/vm.sock,reconnect-ms=500`;
const begin = ["-name web", "-nodefaults", "-no-user-config"];
const sandbox = "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
/** Memory that a virtiofsd can be let into at any time, and places for its devices. */
const sharedMemory = "-object memory-backend-memfd,id=mem,size=2048M,share=on";
const sharePorts = [0, 1, 2, 3].map((index) => `-device pcie-root-port,id=shareport${index},bus=pcie.0,chassis=${index + 10}`);
const flash = (code: string, data: string) => [
  `-drive if=pflash,unit=0,format=raw,readonly=on,file=${code}`, `-drive if=pflash,unit=1,format=raw,file=${data}/uefi-variables.fd`,
];

const emulatedX86 = "-cpu Nehalem,model=54,stepping=1";

function line(host: "linux" | "mac", parts: { program: string; machine: string[]; flash?: string[]; nic: string[] }): string[] {
  const isLinux = host === "linux";
  const [data, runtime] = isLinux ? [linux, "/run/user/1000/glowplug/web"] : [mac, "/tmp/glowplug/web"];
  return [
    parts.program, ...begin, ...(isLinux ? [sandbox] : []), "-display none", ...parts.machine.map((flag, index) => (isLinux && index === 0 ? `${flag},memory-backend=mem` : flag)), "-smp 2", "-m 2048M", ...(parts.flash ?? []),
    ...sockets(runtime).control, stream(runtime), ...parts.nic, ...disk(data), ...sockets(runtime).ready, ...end(parts.program),
    ...(isLinux ? [...(parts.nic === onRootPort ? sharePorts : []), sharedMemory] : []),
  ];
}

describe("the command line", () => {
  it.each([
    ["linux/amd64", "kvm", line("linux", { program: "qemu-system-x86_64", machine: ["-machine pc", "-accel kvm", "-cpu host"], nic: onRootBus })],
    ["linux/amd64", "tcg", line("linux", { program: "qemu-system-x86_64", machine: ["-machine pc", "-accel tcg,thread=multi", emulatedX86], nic: onRootBus })],
    ["linux/arm64", "kvm", line("linux", {
      program: "qemu-system-aarch64", machine: ["-machine virt,gic-version=max", "-accel kvm", "-cpu host"], nic: onRootPort, flash: flash("/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", linux),
    })],
    ["linux/arm64", "tcg", line("linux", {
      program: "qemu-system-aarch64", machine: ["-machine virt,gic-version=max", "-accel tcg,thread=multi", "-cpu cortex-a72"], nic: onRootPort, flash: flash("/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", linux),
    })],
    ["darwin/amd64", "hvf", line("mac", { program: "qemu-system-x86_64", machine: ["-machine pc", "-accel hvf", "-cpu host"], nic: onRootBus })],
    ["darwin/amd64", "tcg", line("mac", { program: "qemu-system-x86_64", machine: ["-machine pc", "-accel tcg,thread=multi", emulatedX86], nic: onRootBus })],
    ["darwin/arm64", "hvf", line("mac", {
      program: "qemu-system-aarch64", machine: ["-machine virt", "-accel hvf", "-cpu host"], nic: onRootPort, flash: flash("/opt/homebrew/share/qemu/edk2-aarch64-code.fd", mac),
    })],
    ["darwin/arm64", "tcg", line("mac", {
      program: "qemu-system-aarch64", machine: ["-machine virt,gic-version=max", "-accel tcg,thread=multi", "-cpu cortex-a72"], nic: onRootPort, flash: flash("/opt/homebrew/share/qemu/edk2-aarch64-code.fd", mac),
    })],
  ])("for %s under %s", async (hostName, accelerator, expected) => {
    expect(rows(await plan(bootInput(hostName, { accelerator })))).toEqual(expected);
  });

  it("is the same on the second start", async () => {
    const first = await plan(bootInput("linux/amd64", { firstBoot: true }));
    expect(rows(await plan(bootInput("linux/amd64", { firstBoot: false })))).toEqual(rows(first));
  });

  it("has the sockets that the keeper is told of", async () => {
    expect(await plan(bootInput("linux/amd64"))).toMatchObject({
      console: { kind: "unix", path: "/run/user/1000/glowplug/web/console.sock" }, ready: { kind: "connect", path: "/run/user/1000/glowplug/web/ready.sock" },
      control: { kind: "qmp", path: "/run/user/1000/glowplug/web/qmp.sock", paused: true }, helpers: [], files: [], mounts: [], notes: [],
    });
  });

  it("says that each flag is qemu's", async () => {
    expect((await plan(bootInput("linux/amd64"))).vm.entries.every(({ by }) => by === "qemu")).toBe(true);
  });

  it("has room for more than 8 processors on Apple silicon", async () => {
    expect((await plan(bootInput("darwin/arm64", { cpus: 10 }))).vm.get("-machine")).toBe("virt,gic-version=3");
  });

  it("makes room for UEFI variables once, and keeps them", async () => {
    expect((await plan(bootInput("darwin/arm64"))).files).toEqual([{ path: `${mac}/uefi-variables.fd`, content: { zeros: 67108864 }, keep: true }]);
  });

  it("emulates an x86 guest on an AArch64 host by one thread", async () => {
    expect((await plan(bootInput("darwin/arm64", { arch: "x86_64", accelerator: "tcg" }))).vm.get("-accel")).toBe("tcg");
  });

  it("hands a cloud-init seed over as a second, read-only disk", async () => {
    const { vm } = await plan(bootInput("linux/amd64", { seed: { kind: "nocloud", path: "/data/seed.iso" } }));
    expect(vm.has("-fw_cfg")).toBe(false);
    expect(vm.all("-drive")[1]).toBe("if=none,id=seed,file=/data/seed.iso,format=raw,readonly=on");
    expect(vm.all("-device")).toContain("virtio-blk-pci,drive=seed");
  });

  it("doubles commas in paths", async () => {
    const { vm } = await plan(bootInput("linux/amd64", { disk: { path: "/data/a,b.raw", format: "raw" }, seed: { kind: "ignition", path: "/data/c,d.json" } }));
    expect(vm.get("-drive")).toBe("if=none,id=disk,file=/data/a,,b.raw,format=raw,discard=unmap,detect-zeroes=unmap");
    expect(vm.get("-fw_cfg")).toBe("name=opt/com.coreos/config,file=/data/c,,d.json");
  });

  it("refuses a runtime folder that is too long for sockets", async () => {
    const folders = { data: linux, runtime: `/run/${"x".repeat(100)}` };
    await expect(plan(bootInput("linux/amd64", { folders }))).rejects.toMatchObject({ code: "host-limits", hint: "Give the machine a shorter name, or set XDG_RUNTIME_DIR to a folder with a shorter path." });
  });
});

describe("shared folders", () => {
  const shares: BootInput["shares"] = [{ source: "/srv", target: "/srv", readOnly: false }];
  const shared = (options?: QemuOptions) => plan(bootInput("linux/amd64", { shares }), options);

  it("over virtiofs need memory that their helpers can map", async () => {
    const { vm, helpers } = await shared();
    expect(helpers).toHaveLength(1);
    expect([vm.get("-machine"), vm.get("-object")]).toEqual(["pc,memory-backend=mem", "memory-backend-memfd,id=mem,size=2048M,share=on"]);
  });

  it.each([
    [["-m", "4G"], "pc,memory-backend=mem", "4G"],
    [["-m", "4096"], "pc,memory-backend=mem", "4096M"],
    [["-m", "size=3G,slots=2"], "pc,memory-backend=mem", "3G"],
    [["-machine", "q35"], "q35,memory-backend=mem", "2048M"],
    [["-machine", "pc,memory-backend=mem"], "pc,memory-backend=mem", "2048M"],
  ])("go with the user's %j", async (args, machine, size) => {
    const { vm } = await shared({ args });
    expect([vm.get("-machine"), vm.get("-object")]).toEqual([machine, `memory-backend-memfd,id=mem,size=${size},share=on`]);
  });

  it("leave the memory alone on macOS", async () => {
    const { vm, helpers, mounts } = await plan(bootInput("darwin/arm64", { shares }));
    expect([vm.has("-object"), helpers, mounts[0]?.kind]).toEqual([false, [], "9p"]);
  });
});

describe("options", () => {
  it("choose machine type and CPU; on a type without hot-plugged cards QEMU 7.2 tells what that costs", async () => {
    const program = "/usr/bin/qemu-system-x86_64";
    const host: HostFacts = hostOf("linux/amd64", { programs: { "qemu-system-x86_64": program }, answers: { [program]: { stdout: "QEMU emulator version 7.2.22" } } });
    const { vm, replug, notes } = await plan(bootInput("linux/amd64", { host }), { machine: "q35", cpu: "max" });
    expect([vm.get("-machine"), vm.get("-cpu"), vm.all("-device")[0]]).toEqual(["q35", "max", "virtio-net-pci,netdev=net0,id=nic0,mac=5a:94:ef:e4:0c:ee,bus=pcie.0,addr=0x3,romfile="]);
    expect(replug).toBeUndefined();
    expect(notes).toHaveLength(1);
  });

  it("show a screen with a card for it", async () => {
    const { vm } = await plan(bootInput("linux/amd64"), { display: "vnc=127.0.0.1:1" });
    expect([vm.get("-display"), vm.all("-device")[0]]).toEqual(["vnc=127.0.0.1:1", "VGA"]);
  });

  it("leave the firmware out where the user brings his own", async () => {
    const { vm, files } = await plan(bootInput("darwin/arm64"), { args: ["-bios", "/my/QEMU_EFI.fd"] });
    expect([vm.all("-drive").filter((drive) => drive.includes("pflash")), vm.get("-bios"), files]).toEqual([[], "/my/QEMU_EFI.fd", []]);
  });

  it("with a mistake in the flags fail before anything else", () => {
    expect(() => qemu({ args: ["-m"] })).toThrowError(expect.objectContaining({ code: "bad-spec" }));
  });

  it("limit the accelerators to one", async () => {
    expect(await qemu({ accelerator: "tcg" }).accelerators(bootInput("linux/amd64").host, "x86_64")).toEqual([{ name: "tcg", usable: true }]);
    expect(await qemu({ accelerator: "hvf" }).accelerators(bootInput("linux/amd64").host, "x86_64")).toEqual([{ name: "hvf", usable: false, reason: "there is no hvf on linux" }]);
  });
});

describe("the check before anything is fetched", () => {
  it("wants firmware for AArch64", async () => {
    const program = "/usr/bin/qemu-system-aarch64";
    const parts = { programs: { "qemu-system-aarch64": program }, answers: { [program]: { stdout: "QEMU emulator version 8.2.0" } } };
    await expect(qemu().check(hostOf("linux/arm64", parts))).rejects.toMatchObject({ code: "missing-program" });
    await expect(qemu().check(hostOf("linux/arm64", { ...parts, files: ["/usr/share/AAVMF/AAVMF_CODE.fd"] }))).resolves.toBeUndefined();
  });

  it("wants no firmware for x86_64", async () => {
    const program = "/usr/bin/qemu-system-x86_64";
    await expect(qemu().check(hostOf("linux/amd64", { programs: { "qemu-system-x86_64": program }, answers: { [program]: { stdout: "QEMU emulator version 7.2.0" } } }))).resolves.toBeUndefined();
  });
});
