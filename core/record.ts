import type { Digest, DiskFormat, FirstBoot, MachineFolders, ResolvedPort, WrittenSeed } from "./model.ts";
import type { CommandRecord } from "./command.ts";
import type { SavedSpec } from "./spec-types.ts";

/** What stands in `machine.json`: a machine that exists. Written last in init, so no record means no machine. */
export interface MachineRecord {
  readonly version: 1;
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  /** ISO 8601 of the last time the guest was ready; null until then. */
  readonly lastUp: string | null;
  readonly spec: SavedSpec;
  /** The user's words at init, for what a later run compares: the spec's plain fields before resolving. */
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly image: RecordedImage;
  readonly disk: { readonly path: string; readonly format: DiskFormat };
  readonly seed: WrittenSeed;
  readonly firstBoot: FirstBoot;
  /** The host key is empty as long as nobody knows it: of a machine that was made elsewhere, until its first start. */
  readonly ssh: { readonly port: number; readonly user: string; readonly uid: number; readonly keyFile: string; readonly hostKey: string };
  /** The guest was made elsewhere and may never write our ready line: a login tells as well that it is up. Default: false. */
  readonly readyByLogin?: boolean;
  readonly mac: string;
  /** Its place on the network that it shares with other machines. */
  readonly lan?: LanPlace;
  readonly folders: MachineFolders;
  /** Undo of what was registered outside; done at rm without any script. */
  readonly undo: readonly Undo[];
  /** Facts of the last start. */
  readonly last?: {
    readonly accelerator: string;
    readonly accelerators: readonly { readonly name: string; readonly usable: boolean; readonly reason?: string }[];
    readonly notes: readonly string[];
    readonly ports: readonly ResolvedPort[];
  };
}

/** A machine's place on a shared network. */
export interface LanPlace {
  readonly network: string;
  readonly mac: string;
  /** IPv4, unique on the network. */
  readonly address: string;
}

/** How something outside is taken back: a command, or a connection that leaves a file of podman's. */
export type Undo =
  | { readonly title: string; readonly command: CommandRecord }
  | { readonly title: string; readonly connection: { readonly path: string; readonly format: "json" | "conf"; readonly name: string; readonly identity: string } };

/** The base of a machine's disk, and what was verified about it. */
export interface RecordedImage {
  readonly source: string;
  readonly title: string;
  readonly release?: string;
  /** Where it came from: an address, a path, or a build key. */
  readonly origin: string;
  /** The store's key: sha256 of the stored disk; `noImage` for a whole disk that stands on none. */
  readonly id: string;
  /** The stored base file, or the whole disk. */
  readonly path: string;
  readonly format: DiskFormat;
  /** Bytes that the guest sees. */
  readonly virtualSize: number;
  readonly verified: readonly Verification[];
}

/** Something that was verified about an image. */
export interface Verification {
  readonly what: "download" | "result" | "signature" | "local" | "build";
  readonly digest?: Digest;
  /** Who signed, as "OWNER FINGERPRINT"; the key of a build. */
  readonly by?: string;
  /** What was signed: the file itself, or the text that its checksum stands in. */
  readonly over?: "file" | "checksums";
}

/** In the place of an image's key. */
export const noImage = "none";
