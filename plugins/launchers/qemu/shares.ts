import { join } from "node:path";
import { shareTag, socketPath, type BootInput, type BootPlan, type HelperPlan, type HotShares } from "glowplug";
import { optionText } from "./option-text.ts";
import type { ShareSlots } from "./machine-types.ts";
import { daemon, isNew, listed, type Virtiofsd } from "./virtiofsd.ts";

export interface SharePlan {
  readonly mounts: BootPlan["mounts"];
  readonly helpers: readonly HelperPlan[];
  /** Values of -chardev, -fsdev and -device, in order. */
  readonly flags: readonly (readonly [flag: string, value: string])[];
  /** The guest's memory must be shared with the helpers. */
  readonly sharedMemory: boolean;
  readonly hot?: HotShares;
  readonly notes: readonly string[];
}

/**
 * Plans the shared folders: over virtiofs where its helper is there, else over 9p, which QEMU serves itself. So does a read-only
 * folder that the helper cannot hold read-only: what the guest alone holds so, its root can write.
 */
export function planShares(input: BootInput, virtiofsd: Virtiofsd | undefined, slots: ShareSlots | undefined): SharePlan {
  const { host, shares, guestUid, folders: { runtime } } = input;
  const ports = virtiofsd && slots && "ports" in slots ? slots.ports : undefined;
  const mounts = shares.map((share, index) => {
    const kind = virtiofsd && (!share.readOnly || isNew(virtiofsd)) ? "virtiofs" : "9p";
    const slot = kind === "virtiofs" ? ports?.[index] : undefined;
    return { share, kind, tag: shareTag(share.target), ...(slot !== undefined && { slot }) } as const;
  });
  const flags = [
    ...(ports ?? []).map((id, index) => ["-device", optionText("pcie-root-port", { id, bus: "pcie.0", chassis: index + 10 })] as const),
    ...mounts.flatMap(({ share, kind, tag, slot }) => (kind === "9p" ? nineP(share.source, share.readOnly, tag) : virtiofs(tag, socketOf(runtime, tag), slot))),
  ];
  if (!virtiofsd) return { mounts, helpers: [], flags, sharedMemory: false, notes: limitsOf9p(input) };
  const owners = { host, guestUid };
  const helpers = mounts.filter(({ kind }) => kind === "virtiofs").map(({ share, tag }) => {
    const socket = socketOf(runtime, tag);
    return { command: daemon(virtiofsd, owners, { name: `virtiofsd ${share.target}`, source: share.source, listedSource: listed(share.source), socket, readOnly: share.readOnly }), listens: [socket], serves: tag };
  });
  return { mounts, helpers, flags, sharedMemory: true, ...(slots && { hot: hotShares(input, virtiofsd, slots) }), notes: limitsOf(virtiofsd, input) };
}

/** The name that the guest mounts also names socket, character device and device: so all of them are the same for a volume that comes later. */
function virtiofs(tag: string, path: string, bus: string | undefined): readonly (readonly [flag: string, value: string])[] {
  return [["-chardev", optionText("socket", { id: tag, path })], ["-device", optionText("vhost-user-fs-pci", { ...device(tag), bus })]];
}

function device(tag: string): Record<string, string | number> {
  return { id: `${tag}-device`, "queue-size": 1024, chardev: tag, tag };
}

function socketOf(runtime: string, tag: string): string {
  return socketPath(join(runtime, `${tag}.sock`));
}

/** `none` lets the guest set modes for real and ignores owners: files belong to the host's user, as he would expect. */
function nineP(path: string, readonly: boolean, tag: string): readonly (readonly [flag: string, value: string])[] {
  return [
    ["-fsdev", optionText("local", { id: tag, path, security_model: "none", multidevs: "remap", ...(readonly && { readonly }) })],
    ["-device", optionText("virtio-9p-pci", { id: `${tag}-device`, fsdev: tag, mount_tag: tag })],
  ];
}

/** The same for a running VM, over its monitor. QEMU can add no folder of 9p later. */
function hotShares({ host, guestUid, folders: { runtime } }: BootInput, virtiofsd: Virtiofsd, slots: ShareSlots): HotShares {
  const socket = join(runtime, "{tag}.sock");
  const owners = { host, guestUid };
  const helper = (readOnly: boolean) => daemon(virtiofsd, owners, { name: "virtiofsd {target}", source: "{source}", listedSource: "{listedSource}", socket, readOnly }).toRecord();
  const bus = "ports" in slots ? "{slot}" : slots.bus;
  return {
    kind: "virtiofs", socket, writable: helper(false), ...(isNew(virtiofsd) && { readOnly: helper(true) }), ...("ports" in slots && { slots: slots.ports }),
    add: [
      { execute: "chardev-add", arguments: { id: "{tag}", backend: { type: "socket", data: { addr: { type: "unix", data: { path: socket } }, server: false } } } },
      { execute: "device_add", arguments: { driver: "vhost-user-fs-pci", ...device("{tag}"), bus } },
    ],
    remove: [
      { execute: "device_del", arguments: { id: "{tag}-device" }, awaitEvent: { name: "DEVICE_DELETED", data: { device: "{tag}-device" } } },
      { execute: "chardev-remove", arguments: { id: "{tag}" } },
    ],
  };
}

/** What an older helper cannot do with these volumes. */
function limitsOf(virtiofsd: Virtiofsd, { host, shares, guestUid }: BootInput): readonly string[] {
  if (isNew(virtiofsd) || shares.length === 0) return [];
  const { program, version = "of an unknown version" } = virtiofsd;
  return [
    ...(shares.some(({ readOnly }) => readOnly) ? [`Read-only volumes go over 9p, which is slow: ${program} (${version}) holds none so, virtiofsd 1.13 can.`] : []),
    ...(host.uid === 0 ? [ownersNote(guestUid, `${program} (${version}) maps no owners, virtiofsd 1.13 can`)] : []),
  ];
}

function limitsOf9p({ host, shares, guestUid }: BootInput): readonly string[] {
  if (host.os !== "linux" || shares.length === 0) return [];
  return ["Volumes go over 9p, which is slow: install virtiofsd for virtiofs.", ...(host.uid === 0 ? [ownersNote(guestUid, "9p maps no owners")] : [])];
}

function ownersNote(guestUid: number, why: string): string {
  return `Files that the guest's user makes in volumes belong to user ${guestUid} here, and he cannot write into root's folders: ${why}.`;
}
