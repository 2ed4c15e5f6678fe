import type { HookMethods } from "../hooks/index.ts";
import type { GuestFile, GuestPorts, GuestUnit, PortForward, ResolvedPort, Share, Size, SocketForward } from "./model.ts";
import type { Plugin } from "./plugin.ts";
import type { Forwarder } from "./roles/forwarder.ts";
import type { ImageSource } from "./roles/image.ts";
import type { Launcher } from "./roles/launcher.ts";
import type { Provisioner } from "./roles/provisioner.ts";

/** A plugin by name with its options, for YAML and JSON: ["qemu", { "args": [] }]. */
export type NamedPlugin = readonly [name: string, options: Readonly<Record<string, unknown>>];

/** A machine in the user's words. A script that exports one is also a plugin, and the last. */
export interface MachineSpec extends HookMethods {
  /** Default: the script's file name without its endings, or its folder's for `machine.*`; else "default". */
  name?: string;
  /** Virtual processors. Default: half of the host's, at least 1. */
  cpus?: number;
  /** Default: "2GiB". */
  memory?: Size;
  /** Size of the disk. Default: "100GiB"; a disk takes only what is written to it. */
  disk?: Size;
  /** Swap of the guest, packed and kept in its memory (zram). Default: none. */
  swap?: Size;
  /** Where the disk comes from: a plugin, a built-in's name, a path or package. Default: "fcos". */
  image?: ImageSource | string | NamedPlugin;
  /** Default: the one that speaks the image's first-boot language. */
  provisioner?: Provisioner | string | NamedPlugin;
  /** Default: "qemu". */
  launcher?: Launcher | string | NamedPlugin;
  /** Default: "gvproxy" where it is installed, else "slirp"; chosen at init and kept. */
  forwarder?: Forwarder | string | NamedPlugin;
  /** Ports of the host that lead into the guest; "8080:80", "127.0.0.1:8080:80/udp" or objects. */
  ports?: readonly (PortForward | string)[];
  /** Ports of the host that programs in the guest may open by themselves, as `podman run -p` does. Never one that only root may open. Default: "any". */
  guestPorts?: GuestPorts;
  sockets?: readonly SocketForward[];
  /** Folders of the host; "SOURCE[:TARGET[:ro]]" or objects. Default: none. */
  volumes?: readonly (Share | string)[];
  files?: readonly GuestFile[];
  units?: readonly GuestUnit[];
  /** Packages that first boot installs. */
  packages?: readonly string[];
  /** Shell lines that the first boot runs as root, at its end. */
  run?: readonly string[];
  /**
   * Whether the machine is started again when its VM ends and nobody has asked for that. on-failure: after a panic of the guest and a crash or kill of
   * the VM; always: when the guest powers itself off, too. Ends after five times in a row. Default: never.
   */
  restart?: "never" | "on-failure" | "always";
  /** USB devices of the host, handed to the guest: "bus=1,devnum=2", or "vendor=1d6b,product=0002" in hexadecimal. Default: none. */
  usb?: readonly string[];
  /** An Ansible playbook of the host, relative to the script, which first boot runs in the guest. Default: none. */
  playbook?: string;
  /** An Ignition config of the host, relative to the script, which ours is merged into. Default: none. */
  ignitionPath?: string;
  /** Make the guest trust what the host trusts: the certificate authorities of its system. Default: false. */
  importNativeCa?: boolean;
  /** Login user. Default: the image's. */
  user?: string;
  /** Whether podman's API is root's. Default: false. */
  rootful?: boolean;
  /** IANA name, or "local" for the host's. Default: "local". */
  timezone?: string;
  /** Set up podman in the guest and serve its API on the host. Default: true. */
  podman?: boolean;
  /** Hand the host's proxies on to the guest, those of the moment at each start; false leaves the guest's alone. Default: true. */
  proxy?: boolean;
  /**
   * Name of a network over which machines reach one another by name, beside the forwarder's; false for none. Needs a launcher that can have a
   * second card. Default: for a script that describes several machines one of its own, else none.
   */
  network?: string | false;
  /** Further plugins, in order, after the slots. Falsy entries are skipped. */
  plugins?: readonly (Plugin | string | NamedPlugin | false | null | undefined)[];
}

/** Where a value came from; later ones win. */
export type ValueSource = "default" | "containers.conf" | "user config" | "config" | "set" | "environment" | "flag";

/** A spec with every default filled in, every size in bytes and every plugin an object. */
export interface ResolvedSpec {
  readonly name: string;
  /** Absolute real path of the script or config file. */
  readonly script?: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes. */
  readonly disk: number;
  /** Bytes; 0 for none. */
  readonly swap: number;
  readonly image: ImageSource;
  readonly provisioner: Provisioner;
  readonly launcher: Launcher;
  readonly forwarder: Forwarder;
  readonly ports: readonly ResolvedPort[];
  readonly guestPorts: GuestPorts;
  readonly sockets: readonly SocketForward[];
  readonly volumes: readonly Required<Share>[];
  readonly files: readonly GuestFile[];
  readonly units: readonly GuestUnit[];
  readonly packages: readonly string[];
  readonly run: readonly string[];
  readonly restart: "never" | "on-failure" | "always";
  readonly usb: readonly string[];
  /** Absolute path. */
  readonly playbook?: string;
  /** Absolute path. */
  readonly ignitionPath?: string;
  readonly importNativeCa: boolean;
  readonly user: string;
  readonly rootful: boolean;
  readonly timezone: string;
  readonly podman: boolean;
  readonly proxy: boolean;
  /** Name of the network that it shares with other machines. */
  readonly network?: string;
  /** Every plugin in the order in which hooks fire: slots, built-in addons, `plugins`, the script. */
  readonly plugins: readonly Plugin[];
  /** Where each field's value came from. */
  readonly sources: Readonly<Record<string, ValueSource>>;
}

/** The part of a resolved spec that is plain data; slots and plugins by name. This is what the record keeps. */
export type SavedSpec = Omit<ResolvedSpec, "image" | "provisioner" | "launcher" | "forwarder" | "plugins"> & {
  readonly image: string;
  readonly provisioner: string;
  readonly launcher: string;
  readonly forwarder: string;
  readonly plugins: readonly string[];
};

/** Returns its argument, checked by the compiler. Not generic, so that a misspelt field does not pass. */
export function defineMachine(spec: MachineSpec): MachineSpec {
  return spec;
}
