import type { FirstBoot, Size } from "../model.ts";

/** Fields that switch an addon on: with true, or with what the addon needs to know. */
export type AddonField = "podman" | "proxy" | "importNativeCa" | "swap" | "playbook";

/**
 * Every default of a spec, and the only place in core that names plugins. A provisioner is found by the first-boot language
 * that the image declares: the built-in one has that word as its name.
 */
export interface SpecDefaults {
  readonly memory: Size;
  readonly disk: Size;
  readonly guestPorts: "any";
  readonly restart: "never";
  readonly rootful: boolean;
  readonly podman: boolean;
  readonly timezone: "local";
  /** Bytes. */
  readonly swap: number;
  readonly importNativeCa: boolean;
  readonly image: string;
  /** Takes a disk by path or address, for `image: "./disk.qcow2"`. */
  readonly diskImage: string;
  /** Takes what begins so: with "//" the whole address as its `url`, else the rest as its `path`. */
  readonly imagePrefixes: Readonly<Record<string, string>>;
  /** Words for streams of `image`, which podman 4 took by themselves. */
  readonly imageStreams: readonly string[];
  readonly launcher: string;
  /** The launchers of podman's providers, by their names there. */
  readonly providers: Readonly<Record<string, string>>;
  /** Names that no machine may have, since podman's own could not: its providers'. */
  readonly reservedNames: readonly string[];
  /** In order of liking; the first that runs here and meets the launcher is taken. */
  readonly forwarders: readonly string[];
  readonly proxy: boolean;
  /**
   * Addons that a field of the spec switches on, by field, in the order in which they fire: after the slots and before the user's plugins. A field that
   * says more than yes is handed to its addon as an option of the field's name.
   */
  readonly addons: Readonly<Record<AddonField, string>>;
  provisioner(firstBoot: FirstBoot): string;
  cpus(hostCpus: number): number;
}

/** podman machine's sizes, from its containers.conf; the rest is ours. */
export const defaults: SpecDefaults = {
  memory: "2GiB",
  disk: "100GiB",
  guestPorts: "any",
  restart: "never",
  rootful: false,
  podman: true,
  timezone: "local",
  swap: 0,
  importNativeCa: false,
  image: "fcos",
  diskImage: "file",
  imagePrefixes: { "docker://": "oci", "oci:": "oci" },
  imageStreams: ["stable", "testing", "next"],
  launcher: "qemu",
  providers: { qemu: "qemu", applehv: "vfkit", libkrun: "vfkit" },
  reservedNames: ["qemu", "wsl", "applehv", "libkrun", "hyperv"],
  forwarders: ["gvproxy", "slirp"],
  proxy: true,
  addons: { podman: "podman", proxy: "proxy", importNativeCa: "host-ca", swap: "swap", playbook: "playbook" },
  provisioner: (firstBoot) => firstBoot,
  cpus: (hostCpus) => Math.max(1, Math.floor(hostCpus / 2)),
};
