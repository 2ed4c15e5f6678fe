import type { Architecture, DiskFormat, HostFacts, LinkKind, NetLink, ReadyPort, SeedKind, Share, ShareKind, WrittenSeed } from "../model.ts";
import type { Plugin } from "../plugin.ts";
import type { BootPlan } from "../vm-plan.ts";

export type { BootPlan, ConsolePlan, ControlPlan, HelperPlan, HotShares, QmpStep, ReadyPlan, ShareMount } from "../vm-plan.ts";

/** One accelerator of a host and whether it is believed. */
export interface Accelerator {
  /** kvm, hvf, tcg, vz. */
  readonly name: string;
  readonly usable: boolean;
  /** Why not, in words for the user. */
  readonly reason?: string;
}

/** What the core hands to a launcher. All paths are absolute. */
export interface BootInput {
  readonly name: string;
  readonly host: HostFacts;
  readonly arch: Architecture;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** The machine's own disk: an overlay, or a plain copy. */
  readonly disk: { readonly path: string; readonly format: DiskFormat };
  readonly seed: WrittenSeed;
  /** True until the guest has once been ready. */
  readonly firstBoot: boolean;
  readonly link: NetLink;
  /** A second card, on the network that the machines of one config share. Given only where `abilities.lan` says that there can be one. */
  readonly lan?: Extract<NetLink, { kind: "unix-stream" }>;
  readonly shares: readonly Required<Share>[];
  /** Id of the guest's login user, to whom shared files of the host's user belong in the guest. */
  readonly guestUid: number;
  /** Name of a usable accelerator from `accelerators`. */
  readonly accelerator: string;
  /** USB devices to hand through, in podman's words: "bus=1,devnum=2" or "vendor=1d6b,product=0002". */
  readonly usb: readonly string[];
  /** The machine's folders; sockets go into `runtime`, files that last into `data`. */
  readonly folders: { readonly data: string; readonly runtime: string };
}

/** What was asked of the VM's processor, in the words of its command line. */
export interface AskedProcessor {
  /** "host", "Nehalem". */
  readonly model: string;
  /** Features that were asked for by name, as /proc/cpuinfo calls them; punctuation does not count. */
  readonly features: readonly string[];
  /** Whether it is to be the host's own. */
  readonly isHosts: boolean;
}

/** Runs the VM. Plans only: writes nothing and spawns nothing. */
export interface Launcher extends Plugin {
  readonly role: "launcher";
  /** Image platforms in order of liking. */
  readonly platforms: readonly string[];
  readonly formats: readonly DiskFormat[];
  readonly seeds: readonly SeedKind[];
  /** In order of liking. */
  readonly links: readonly LinkKind[];
  readonly shares: readonly ShareKind[];
  readonly abilities: {
    readonly suspend: boolean;
    readonly hotplug: boolean;
    /** Whether the VM can have a second network card whose link is a unix stream with QEMU's framing. Default: false. */
    readonly lan?: boolean;
    /** Whether USB devices of the host can be handed to the guest. Default: false. */
    readonly usb?: boolean;
  };
  readonly ready: ReadyPort;
  /** Throws MachineError (missing-program, old-program, unsupported-host) when this host cannot run it. Called before anything is fetched. */
  check(host: HostFacts): Promise<void> | void;
  /** The host's accelerators, best first. Called at each start; the core remembers ones that failed for this boot of the host. */
  accelerators(host: HostFacts, arch: Architecture): Promise<readonly Accelerator[]> | readonly Accelerator[];
  /** Called at each start and by `plan`; must give the same answer for the same input. */
  plan(input: BootInput): Promise<BootPlan> | BootPlan;
  /** What a command line of its own asks of the processor, for `doctor` to compare with what the guest sees. Default: it cannot tell. */
  processor?(argv: readonly string[]): AskedProcessor | undefined;
}
