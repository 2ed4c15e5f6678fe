import { describe, expect, it } from "vitest";
import type { BootInput, BootPlan } from "glowplug";
import { foreignHost } from "../../../core/host.ts";
import vfkit, { type VfkitOptions } from "../../../plugins/launchers/vfkit.ts";
import { hostOf, type HostParts } from "../../fixtures/hosts.ts";

const data = "/Users/user/Library/Application Support/glowplug/machines/web";
const runtime = "/var/folders/x/T/glowplug/web";
const link = { kind: "unix-dgram", path: `${runtime}/net/vm.sock`, mac: "5a:94:ef:e4:0c:ee" } as const;

function bootInput(changes: Partial<BootInput> = {}): BootInput {
  const host = foreignHost("darwin/arm64");
  return {
    name: "web", host, arch: host.arch, cpus: 2, memory: 2 * 2 ** 30, disk: { path: `${data}/disk.raw`, format: "raw" }, seed: { kind: "ignition", path: `${data}/ignition.json` },
    firstBoot: true, link, shares: [], guestUid: 1000, accelerator: "vz", usb: [], folders: { data, runtime }, ...changes,
  };
}
const plan = async (changes: Partial<BootInput> = {}, options?: VfkitOptions): Promise<BootPlan> => await vfkit(options).plan(bootInput(changes));
const rows = ({ vm }: BootPlan): string[] => vm.entries.map(({ flag, value }) => (value === undefined ? flag : `${flag} ${value}`));

const line = [
  "--cpus 2", "--memory 2048", `--bootloader efi,variable-store=${data}/efi-variables,create`,
  `--device virtio-blk,path=${data}/disk.raw`, "--device virtio-rng", `--device virtio-vsock,port=1025,socketURL=${runtime}/ready.sock,listen`,
  `--device virtio-serial,logFilePath=${runtime}/console.log`, `--device virtio-net,unixSocketPath=${runtime}/net/vm.sock,mac=5a:94:ef:e4:0c:ee`,
  `--restful-uri unix://${runtime}/vfkit.sock`,
];

describe("the command line", () => {
  it("hands Ignition over at first boot alone", async () => {
    expect(rows(await plan())).toEqual([...line, `--ignition ${data}/ignition.json`]);
    expect(rows(await plan({ firstBoot: false }))).toEqual(line);
  });

  it("is vfkit's, with a folder of the machine's own for its temporary files", async () => {
    const { vm } = await plan();
    expect([vm.program, vm.name, vm.env, vm.entries.every(({ by }) => by === "vfkit")]).toEqual(["vfkit", "vfkit", { TMPDIR: runtime }, true]);
  });

  it("is the same on an Intel Mac", async () => {
    const host = foreignHost("darwin/amd64");
    expect(rows(await plan({ host, arch: host.arch, firstBoot: false }))).toEqual(line);
  });

  it("has a NoCloud seed as a second disk, at every boot", async () => {
    expect(rows(await plan({ seed: { kind: "nocloud", path: `${data}/seed.iso` } }))).toEqual([...line.slice(0, 4), `--device virtio-blk,path=${data}/seed.iso`, ...line.slice(4)]);
  });

  it("ends with the user's words", async () => {
    expect(rows(await plan({ firstBoot: false }, { args: ["--memory", "8192", "--nested"] }))).toEqual([...line, "--memory", "8192", "--nested"]);
  });

  it("has shared folders, of which vfkit makes none read-only", async () => {
    const shares = [{ source: "/Users/user/my code", target: "/srv/code", readOnly: false }, { source: "/opt", target: "/opt", readOnly: true }];
    const its = await plan({ shares, firstBoot: false });
    expect(rows(its)).toEqual([
      ...line.slice(0, -1), "--device virtio-fs,sharedDir=/Users/user/my code,mountTag=volume-ab2fe003567a07c0", "--device virtio-fs,sharedDir=/opt,mountTag=volume-cbcdfaeb37659981", ...line.slice(-1),
    ]);
    expect(its.mounts).toEqual([
      { share: shares[0], kind: "virtiofs", tag: "volume-ab2fe003567a07c0" }, { share: shares[1], kind: "virtiofs", tag: "volume-cbcdfaeb37659981" },
    ]);
    expect(its.notes).toEqual(["Read-only volumes are so by the guest's mount alone: vfkit shares every folder for writing."]);
  });
});

it("the keeper is told of console, ready port and control socket", async () => {
  const { vm: _, ...rest } = await plan();
  expect(rest).toEqual({
    helpers: [], files: [{ path: `${runtime}/console.log`, content: { text: "" } }], console: { kind: "file", path: `${runtime}/console.log` },
    ready: { kind: "listen", path: `${runtime}/ready.sock` }, control: { kind: "rest", path: `${runtime}/vfkit.sock` }, mounts: [], notes: [],
  });
});

describe("refused is", () => {
  it.each<[string, Partial<BootInput>, string]>([
    ["a path with a comma", { disk: { path: "/Users/a,b/disk.raw", format: "raw" } }, "vfkit cannot take the path /Users/a,b/disk.raw: it may hold no comma and no quotation mark"],
    ["a path with a quotation mark", { folders: { data: '/Users/"x"', runtime } }, 'vfkit cannot take the path /Users/"x"/efi-variables: it may hold no comma and no quotation mark'],
    ["a link of another kind", { link: { kind: "user", mac: "", forwards: [] } }, "vfkit cannot use a link of the kind user"],
    ["a USB device", { usb: ["bus=1,devnum=2"] }, "vfkit hands no USB devices to the guest"],
  ])("%s", async (_, changes, message) => {
    await expect(plan(changes)).rejects.toMatchObject({ plugin: "vfkit", message });
  });

  it("a folder in which vfkit's own socket finds no room beside the forwarder's", async () => {
    const folder = `/${"x".repeat(85)}`;
    await expect(plan({ link: { ...link, path: `${folder}/vm.sock` } })).rejects.toMatchObject({ code: "host-limits" });
  });

  it("an option that is none", () => {
    expect(() => vfkit({ cpu: "max" } as VfkitOptions)).toThrowError(expect.objectContaining({ code: "bad-spec" }));
  });
});

describe("the check before anything is fetched", () => {
  const check = async (parts: HostParts = {}): Promise<void> => await vfkit().check(hostOf("darwin/arm64", {
    programs: { vfkit: "/opt/homebrew/bin/vfkit" }, ...parts, answers: { "/usr/bin/sw_vers": { stdout: "14.7.2\n" }, "/opt/homebrew/bin/vfkit": { stdout: "vfkit version: v0.6.1\n" }, ...parts.answers },
  }));

  it("is content with vfkit 0.6 on macOS 13, and with a vfkit that knows no version", async () => {
    await check();
    await check({ answers: { "/usr/bin/sw_vers": { stdout: "13.0\n" }, "/opt/homebrew/bin/vfkit": { stdout: "vfkit version: unspecified\n" } } });
  });

  it.each<[string, HostParts, object]>([
    ["vfkit is missing", { programs: {} }, { code: "missing-program", hint: "`brew install vfkit` installs it." }],
    ["vfkit is old", { answers: { "/opt/homebrew/bin/vfkit": { stdout: "vfkit version: v0.5.1\n" } } }, { code: "old-program", message: "/opt/homebrew/bin/vfkit is 0.5.1; version 0.6.0 or newer is needed" }],
    ["vfkit cannot run", { answers: { "/opt/homebrew/bin/vfkit": { exitCode: 134, stderr: "dyld: Symbol not found\n" } } }, { code: "missing-program", message: "/opt/homebrew/bin/vfkit does not run: dyld: Symbol not found" }],
    ["macOS is old", { answers: { "/usr/bin/sw_vers": { stdout: "12.7.6\n" } } }, { code: "unsupported-host", message: "this is macOS 12.7.6; vfkit needs 13 or newer to boot a disk" }],
  ])("says that %s", async (_, parts, error) => {
    await expect(check(parts)).rejects.toMatchObject({ plugin: "vfkit", ...error });
  });

  it("refuses a host that is no Mac, though vfkit be there", async () => {
    const host = hostOf("linux/amd64", { programs: { vfkit: "/usr/bin/vfkit" } });
    await expect(vfkit().check(host)).rejects.toMatchObject({ code: "unsupported-host", message: "vfkit runs on macOS alone" });
    expect(host.asked).toEqual([]);
  });

  it("asks nothing of a Mac that is elsewhere", async () => {
    await vfkit().check(foreignHost("darwin/arm64"));
  });
});

describe("the accelerator", () => {
  const sysctl = (stdout: string): HostParts => ({ answers: { "/usr/sbin/sysctl -n kern.hv_support": { stdout } } });
  it.each([
    ["a Mac that virtualizes", hostOf("darwin/arm64", sysctl("1\n")), "aarch64", undefined],
    ["a Mac elsewhere", foreignHost("darwin/amd64"), "x86_64", undefined],
    ["a Mac in a VM", hostOf("darwin/arm64", sysctl("0\n")), "aarch64", "this Mac does not offer virtualization (kern.hv_support is not 1)"],
    ["a guest of another architecture", hostOf("darwin/arm64"), "x86_64", "a guest for x86_64 cannot run on the processor of this host, which is aarch64"],
    ["Linux", hostOf("linux/amd64"), "x86_64", "the Virtualization framework is macOS's"],
  ] as const)("on %s", async (_, host, arch, reason) => {
    expect(await vfkit().accelerators(host, arch)).toEqual([reason === undefined ? { name: "vz", usable: true } : { name: "vz", usable: false, reason }]);
  });
});
