/** The vocabulary that every part shares. Types only. */

/** A processor architecture, in the kernel's and Fedora CoreOS's words. */
export type Architecture = "x86_64" | "aarch64" | "ppc64le" | "s390x";
export type HostOs = "linux" | "darwin";

/** A size with its unit: "512MiB", "4GiB". A bare number is refused, since nobody can tell its unit. */
export type Size = `${number}${"KiB" | "MiB" | "GiB" | "TiB"}`;

/** Facts of the host, handed to plugins so that none reads the process itself. A plan for another host gets that host's. */
export interface HostFacts {
  readonly os: HostOs;
  readonly arch: Architecture;
  /** Logical processors. */
  readonly cpus: number;
  /** Physical memory in bytes. */
  readonly memory: number;
  /** CPU feature words of /proc/cpuinfo; empty where unknown. */
  readonly cpuFlags: readonly string[];
  /** The user's id; 0 for root. */
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** IANA name such as "Europe/Rome"; "UTC" where unknown. */
  readonly timezone: string;
  /** Variables that plugins may need: proxies, SSL_CERT_* and NODE_EXTRA_CA_CERTS. Nothing else of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Contents of /etc/os-release as a map; empty on macOS. */
  readonly osRelease: Readonly<Record<string, string>>;
  /** False when the plan is for another machine than this one: nothing can be probed then. */
  readonly local: boolean;
  /** Absolute path of a program: podman's helper folders and ours, then PATH. Undefined if absent. On a foreign host the bare name. */
  find(program: string, options?: { readonly folders?: readonly string[] }): string | undefined;
  /** Runs a program of the host to its end, for probes such as `--version`. Rejects where `local` is false. */
  probe(program: string, argv: readonly string[], options?: { readonly timeoutMs?: number; readonly input?: string }): Promise<ProbeResult>;
  /** First of these files that exists; on a foreign host the first. */
  firstFile(candidates: readonly string[]): string | undefined;
}

export interface ProbeResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What first-boot language a guest reads. */
export type FirstBoot = "ignition" | "cloud-init";
export type DiskFormat = "qcow2" | "raw";
/** Formats that the store converts on the way in. */
export type SourceFormat = DiskFormat | "vmdk" | "vhdx";
export type Compression = "none" | "gz" | "xz" | "zst" | "bz2" | "zip";
export type DigestAlgorithm = "sha256" | "sha512";

/** A published checksum: lower-case hex. */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

/** A port of the host that leads to a port of the guest. */
export interface PortForward {
  /** Address to bind on the host. Default: 127.0.0.1. */
  readonly host?: string;
  readonly hostPort: number;
  readonly guestPort: number;
  /** Default: tcp. */
  readonly protocol?: "tcp" | "udp";
}
export type ResolvedPort = Required<PortForward>;
/** Which ports of the host programs in the guest may open by themselves, as `podman run -p` does: of every address, of the loopback alone, or none. */
export type GuestPorts = "any" | "loopback" | "none";

/** A unix socket of the host that leads to a unix socket of the guest, carried over ssh. */
export interface SocketForward {
  /** Absolute path on the host; made with mode 0600. */
  readonly host: string;
  /** Absolute path in the guest. */
  readonly guest: string;
  /** The guest's user that opens it. Default: the machine's user. */
  readonly user?: string;
  /** An HTTP path that must answer 200 over it before `start` returns: "/_ping". Asked anew after a quarter of the phase's time without an answer. Default: none. */
  readonly probe?: string;
  /** A shell line for the guest, run when the probe has failed or was not answered: a line that it prints is the reason, and ends the start at once. Default: none. */
  readonly whyNot?: string;
  /**
   * Behind it is a container engine, and the ports that its containers publish in the guest are opened on the host (Docker Engine API: /containers/json
   * and /events). Default: false.
   */
  readonly publish?: boolean;
}

/** A folder of the host, mounted in the guest. */
export interface Share {
  /** Absolute path on the host, or relative to the script. */
  readonly source: string;
  /** Absolute path in the guest. Default: the source. */
  readonly target?: string;
  /** Default: false. */
  readonly readOnly?: boolean;
}
export type ShareKind = "virtiofs" | "9p";

/** A file that first boot writes into the guest. */
export interface GuestFile {
  /** Absolute path. */
  readonly path: string;
  /** The text. Either this or `source`. */
  readonly content?: string;
  /** A file of the host whose text is taken; relative to the script. */
  readonly source?: string;
  /** Default: 0o644. */
  readonly mode?: number;
  /** Default: root. */
  readonly user?: string;
  /** Default: the user. */
  readonly group?: string;
  /** Replace what the image has there. Default: true. */
  readonly overwrite?: boolean;
}
export interface GuestFolder {
  readonly path: string;
  /** Default: 0o755. */
  readonly mode?: number;
  readonly user?: string;
  readonly group?: string;
}
export interface GuestLink {
  readonly path: string;
  readonly target: string;
  /** Default: true. */
  readonly overwrite?: boolean;
}
export interface GuestUnit {
  /** With its ending: "web.service". */
  readonly name: string;
  /** The unit's text; leave it out to enable, disable or mask one that the image has. */
  readonly content?: string;
  /** Start at boot. Default: true if `content` has an [Install] section. */
  readonly enabled?: boolean;
  readonly mask?: boolean;
  readonly dropins?: readonly { readonly name: string; readonly content: string }[];
}
export interface GuestUser {
  readonly name: string;
  readonly uid?: number;
  readonly groups?: readonly string[];
  /** Public keys in authorized_keys form. */
  readonly authorizedKeys?: readonly string[];
  /** Login shell. Default: the image's. */
  readonly shell?: string;
  /** First boot takes this user away, or does not make it: the image's own login user where the spec names another. Default: false. */
  readonly absent?: boolean;
}

/** How the guest tells that it is ready: the port it writes one line to. */
export type ReadyPort = { readonly kind: "virtio-port"; readonly name: string } | { readonly kind: "vsock"; readonly port: number };

/** How a VM's network card meets the forwarder. */
export type NetLink =
  | { readonly kind: "unix-stream"; readonly path: string; readonly mac: string }
  | { readonly kind: "unix-dgram"; readonly path: string; readonly mac: string }
  | { readonly kind: "user"; readonly mac: string; readonly forwards: readonly ResolvedPort[] };
export type LinkKind = NetLink["kind"];

/** First-boot data in the form that travels to the guest. */
export type Seed =
  | { readonly kind: "ignition"; readonly text: string }
  | { readonly kind: "nocloud"; readonly files: Readonly<Record<string, string>> };
export type SeedKind = Seed["kind"];
/** A seed that the core has written. */
export interface WrittenSeed {
  readonly kind: SeedKind;
  /** ignition: a JSON file. nocloud: an ISO 9660 image with label CIDATA. */
  readonly path: string;
}

/** A file that the core makes before it spawns anything. */
export interface PlannedFile {
  readonly path: string;
  /** Text, or a copy of another file, or zeros of a length in bytes. */
  readonly content: { readonly text: string } | { readonly copyOf: string } | { readonly zeros: number };
  /** Default: 0o600. */
  readonly mode?: number;
  /** Keep what is there already (UEFI variables). Default: false. */
  readonly keep?: boolean;
}

/** Who a machine is, as hooks and registrations see it. */
export interface MachineInfo {
  readonly name: string;
  readonly script?: string;
  readonly user: string;
  readonly uid: number;
  readonly rootful: boolean;
  /** The host key is empty where nobody knows it yet. */
  readonly ssh: { readonly host: string; readonly port: number; readonly keyFile: string; readonly hostKey: string };
  /** The podman API socket on the host; undefined without podman. */
  readonly apiSocket?: string;
  readonly folders: MachineFolders;
}
export interface MachineFolders {
  /** Records, disk, keys, logs. */
  readonly data: string;
  /** Sockets and the running plan; gone after stop. */
  readonly runtime: string;
}

/** Something that a machine is known by outside of it. Made at the end of init, brought up to date at each start, undone by rm without any script. */
export type Registration = CommandRegistration | ConnectionRegistration;

/** A command of the host and what takes its effect back. One that fails is a warning, and is tried again at the next start. */
export interface CommandRegistration {
  readonly kind?: "command";
  /** What it is, for messages: "docker context web". Also tells it from the others of its machine. */
  readonly title: string;
  readonly do: import("./command.ts").Command;
  readonly undo: import("./command.ts").Command;
}

/** A connection in podman's own file, whether or not a podman is installed. A name that somebody else's connection has is refused before anything is fetched. */
export interface ConnectionRegistration {
  readonly kind: "connection";
  readonly title: string;
  readonly name: string;
  /** How podman's client gets to the guest's podman: "unix:///run/user/1000/glowplug/web/podman.sock". */
  readonly uri: string;
  /** Where the host's podman looks: podman-connections.json since podman 5 (json), containers.conf before (conf). */
  readonly format: "json" | "conf";
}

export interface ExecResult {
  /** 128 + signal number where a signal ended it. */
  readonly exitCode: number;
  readonly signal?: string;
  readonly stdout: string;
  readonly stderr: string;
}
export interface ExecOptions {
  /** Text for standard input. Default: none, closed at once. */
  readonly input?: string;
  /** Default: the machine's user. */
  readonly user?: string;
  /** In milliseconds. Default: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}
/** A way into the running guest. */
export interface GuestShell {
  /** Runs a command. An array is quoted word by word; a string goes to the login shell as it is. Never throws for an exit status. */
  exec(command: string | readonly string[], options?: ExecOptions): Promise<ExecResult>;
}
