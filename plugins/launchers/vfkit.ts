import { dirname, join } from "node:path";
import {
  checkOptions, checkVersion, Command, compareVersions, findVersion, MachineError, requireProgram, shareTag, socketPath,
  type Accelerator, type Architecture, type BootInput, type BootPlan, type HostFacts, type Launcher, type NetLink,
} from "glowplug";

export interface VfkitOptions {
  /** Further flags as words, after ours: ["--device", "rosetta,mountTag=rosetta"]. Where vfkit takes a flag once ("--memory"), the last one wins. Default: none. */
  readonly args?: readonly string[];
  /** Path of vfkit, or its name on PATH. Default: "vfkit". */
  readonly binary?: string;
}

/** Oldest vfkit with `--ignition` (crc-org/vfkit PR 209), and the oldest macOS with UEFI in its Virtualization framework. */
const oldest = { vfkit: "0.6.0", macos: "13" };
/** The port that podman's machines on Apple's hypervisor write their ready line to. */
const readyPort = 1025;

/**
 * Runs the VM under vfkit, which is Apple's Virtualization framework as a program: on a Mac with macOS 13 or newer, for guests of
 * the Mac's own architecture, from raw disks. The VM runs from the moment it is spawned and is spoken to over HTTP on a unix socket.
 */
export default function vfkit(options: VfkitOptions = {}): Launcher {
  checkOptions("vfkit", options, ["args", "binary"]);
  return {
    name: "vfkit",
    role: "launcher",
    // Fedora CoreOS's word for it. Ignition in an image for another platform looks for its config elsewhere.
    platforms: ["applehv"],
    formats: ["raw"],
    seeds: ["ignition", "nocloud"],
    links: ["unix-dgram"],
    shares: ["virtiofs"],
    abilities: { suspend: false, hotplug: false },
    ready: { kind: "vsock", port: readyPort },

    async check(host: HostFacts): Promise<void> {
      if (host.os !== "darwin") {
        throw new MachineError("unsupported-host", "vfkit runs on macOS alone", { plugin: "vfkit", hint: "Leave the launcher out: the default one runs here." });
      }
      const program = findVfkit(host, options);
      if (!host.local) return;
      await checkMacos(host);
      const { exitCode, stdout, stderr } = await host.probe(program, ["--version"]);
      if (exitCode !== 0) {
        throw new MachineError("missing-program", `${program} does not run: ${stderr.trim().split("\n").at(-1) || `exit status ${exitCode}`}`, { plugin: "vfkit", hint: "Install it anew." });
      }
      // One that somebody built for himself may know no number.
      const version = findVersion(stdout);
      if (version !== undefined) checkVersion(version, { program, atLeast: oldest.vfkit, plugin: "vfkit" });
    },

    accelerators,

    plan(input: BootInput): BootPlan {
      const { host, folders: { runtime } } = input;
      const sockets = { control: socketPath(join(runtime, "vfkit.sock")), ready: socketPath(join(runtime, "ready.sock")) };
      const console = join(runtime, "console.log");
      const mounts = input.shares.map((share) => ({ share, kind: "virtiofs", tag: shareTag(share.target) }) as const);
      // Until its PR 375 vfkit served Ignition through $TMPDIR/ignition.sock, which would be one socket for all machines.
      const vm = new Command(findVfkit(host, options), { name: "vfkit", env: { TMPDIR: dirname(socketPath(join(runtime, "ignition.sock"))) } });
      vm.author = "vfkit";
      addMachine(vm, input);
      const device = (kind: string, ...words: string[]): Command => vm.add("--device", [kind, ...words].join(","));
      device("virtio-blk", path("path", input.disk.path));
      // cloud-init looks for it at every boot. vfkit's own --cloud-init, which only newer ones have, would make another disk each time.
      if (input.seed.kind === "nocloud") device("virtio-blk", path("path", input.seed.path));
      device("virtio-rng");
      device("virtio-vsock", `port=${readyPort}`, path("socketURL", sockets.ready), "listen");
      device("virtio-serial", path("logFilePath", console));
      device("virtio-net", path("unixSocketPath", datagramSocket(input.link)), `mac=${input.link.mac}`);
      for (const { share, tag } of mounts) device("virtio-fs", path("sharedDir", share.source), `mountTag=${tag}`);
      vm.add("--restful-uri", `unix://${sockets.control}`);
      // At first boot alone: whoever is in the guest may ask the port that serves it, and it holds the guest's host key.
      if (input.firstBoot && input.seed.kind === "ignition") vm.add("--ignition", plain(input.seed.path));
      for (const word of options.args ?? []) vm.add(word);
      delete vm.author;
      return {
        vm, helpers: [],
        // There before the VM, so that it is the user's alone.
        files: [{ path: console, content: { text: "" } }],
        console: { kind: "file", path: console },
        ready: { kind: "listen", path: sockets.ready },
        control: { kind: "rest", path: sockets.control },
        mounts,
        notes: input.shares.some(({ readOnly }) => readOnly) ? ["Read-only volumes are so by the guest's mount alone: vfkit shares every folder for writing."] : [],
      };
    },
  };
}

function findVfkit(host: HostFacts, { binary }: VfkitOptions): string {
  return requireProgram(host, binary ?? "vfkit", { plugin: "vfkit", packages: { brew: "vfkit" } });
}

async function checkMacos(host: HostFacts): Promise<void> {
  const found = (await host.probe("/usr/bin/sw_vers", ["-productVersion"])).stdout.trim();
  if (compareVersions(found, oldest.macos) >= 0) return;
  throw new MachineError("unsupported-host", `this is macOS ${found}; vfkit needs ${oldest.macos} or newer to boot a disk`, { plugin: "vfkit", hint: "Leave the launcher out: the default one runs here." });
}

/** Apple's framework is the only one, and it emulates no processor. */
async function accelerators(host: HostFacts, arch: Architecture): Promise<readonly Accelerator[]> {
  const reason = await whyNot(host, arch);
  return [{ name: "vz", usable: reason === undefined, ...(reason !== undefined && { reason }) }];
}

async function whyNot(host: HostFacts, arch: Architecture): Promise<string | undefined> {
  if (host.os !== "darwin") return "the Virtualization framework is macOS's";
  if (arch !== host.arch) return `a guest for ${arch} cannot run on the processor of this host, which is ${host.arch}`;
  if (!host.local) return undefined;
  const { exitCode, stdout } = await host.probe("/usr/sbin/sysctl", ["-n", "kern.hv_support"]);
  return exitCode === 0 && stdout.trim() === "1" ? undefined : "this Mac does not offer virtualization (kern.hv_support is not 1)";
}

function addMachine(vm: Command, { cpus, memory, folders, usb }: BootInput): void {
  if (usb.length > 0) throw new MachineError("bad-spec", "vfkit hands no USB devices to the guest", { plugin: "vfkit", hint: "Leave them out, or choose another launcher." });
  vm.add("--cpus", cpus).add("--memory", Math.floor(memory / 2 ** 20));
  vm.add("--bootloader", ["efi", path("variable-store", join(folders.data, "efi-variables")), "create"].join(","));
}

/** vfkit binds a socket of its own beside the forwarder's: vfkit-PID-RANDOM.sock, both in hex (localUnixSocketPath in its pkg/vf/virtionet.go). */
function datagramSocket(link: NetLink): string {
  if (link.kind !== "unix-dgram") {
    throw new MachineError("slots-mismatch", `vfkit cannot use a link of the kind ${link.kind}`, { plugin: "vfkit", hint: "Choose a forwarder that offers unix-dgram." });
  }
  socketPath(join(dirname(link.path), "vfkit-1869f-ffff.sock"));
  return socketPath(link.path);
}

function path(key: string, value: string): string {
  return `${key}=${plain(value)}`;
}

/** vfkit splits at commas and knows no way to write one; a quotation mark has a meaning in --bootloader. */
function plain(value: string): string {
  if (!/[,"]/.test(value)) return value;
  throw new MachineError("bad-spec", `vfkit cannot take the path ${value}: it may hold no comma and no quotation mark`, { plugin: "vfkit", hint: "Rename the folder." });
}
