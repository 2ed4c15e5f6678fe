import { createHash } from "node:crypto";
import { join } from "node:path";
import { Command, compareVersions, findVersion, socketPath, type BootInput, type BootPlan, type HelperPlan, type HostFacts } from "glowplug";
import { optionText } from "./option-text.ts";

/** A virtiofsd of this host. Two programs bear the name, with different flags. */
export interface Virtiofsd {
  readonly program: string;
  /** rust: the one that is developed. c: QEMU's own up to 7.2, for root only. */
  readonly kind: "rust" | "c";
  readonly version?: string;
}

export interface SharePlan {
  readonly mounts: BootPlan["mounts"];
  readonly helpers: readonly HelperPlan[];
  /** Values of -chardev, -fsdev and -device, in order. */
  readonly flags: readonly (readonly [flag: string, value: string])[];
  /** The guest's memory must be shared with the helpers. */
  readonly sharedMemory: boolean;
  readonly notes: readonly string[];
}

/** Where distributions keep it, out of PATH. */
const folders = ["/usr/libexec", "/usr/lib", "/usr/lib/qemu", "/usr/lib/kvm"];

/** Finds a virtiofsd that this user can run. */
export async function findVirtiofsd(host: HostFacts): Promise<Virtiofsd | undefined> {
  if (host.os !== "linux") return undefined;
  const program = host.find("virtiofsd", { folders });
  if (program === undefined) return undefined;
  if (!host.local) return { program, kind: "rust" };
  const { exitCode, stdout, stderr } = await host.probe(program, ["--version"]);
  if (exitCode !== 0) return undefined;
  const version = findVersion(`${stdout}\n${stderr}`);
  // QEMU's own prints "virtiofsd version 7.2.22 ..." and "using FUSE kernel interface".
  const kind = /FUSE kernel interface|virtiofsd version/.test(`${stdout}${stderr}`) ? "c" : "rust";
  if (kind === "c" && host.uid !== 0) return undefined;
  return { program, kind, ...(version !== undefined && { version }) };
}

/** Plans the shared folders: over virtiofs where its helper is there, else over 9p, which QEMU serves itself. */
export function planShares({ host, shares, folders: { runtime } }: BootInput, virtiofsd: Virtiofsd | undefined): SharePlan {
  if (shares.length === 0) return { mounts: [], helpers: [], flags: [], sharedMemory: false, notes: [] };
  const kind = virtiofsd ? "virtiofs" : "9p";
  const mounts = shares.map((share) => ({ share, kind, tag: shareTag(share.target) }) as const);
  if (!virtiofsd) {
    const notes = host.os === "linux" ? ["Volumes go over 9p, which is slow: install virtiofsd for virtiofs."] : [];
    return { mounts, helpers: [], sharedMemory: false, notes, flags: mounts.flatMap(({ share, tag }, index) => nineP(index, share.source, share.readOnly, tag)) };
  }
  const sockets = mounts.map((_, index) => socketPath(join(runtime, `share${index}.sock`)));
  const guarded = virtiofsd.kind === "rust" && (virtiofsd.version === undefined || compareVersions(virtiofsd.version, "1.13") >= 0);
  return {
    mounts, sharedMemory: true,
    helpers: mounts.map(({ share }, index) => ({ command: daemon(virtiofsd, host, share, sockets[index] ?? "", index, guarded), listens: [sockets[index] ?? ""] })),
    flags: mounts.flatMap(({ tag }, index) => [
      ["-chardev", optionText("socket", { id: `share${index}`, path: sockets[index] })] as const,
      ["-device", optionText("vhost-user-fs-pci", { "queue-size": 1024, chardev: `share${index}`, tag })] as const,
    ]),
    notes: !guarded && shares.some(({ readOnly }) => readOnly) ? ["Read-only volumes are so by the guest's mount alone: virtiofsd 1.13 can do better."] : [],
  };
}

/** The name that the guest mounts: it stays the same when other volumes come and go. At most 31 bytes fit for 9p, 36 for virtiofs. */
export function shareTag(target: string): string {
  return `volume-${createHash("sha256").update(target).digest("hex").slice(0, 16)}`;
}

/** `none` lets the guest set modes for real and ignores owners: files belong to the host's user, as he would expect. */
function nineP(index: number, path: string, readonly: boolean, tag: string): [string, string][] {
  const id = `share${index}`;
  return [
    ["-fsdev", optionText("local", { id, path, security_model: "none", multidevs: "remap", ...(readonly && { readonly }) })],
    ["-device", optionText("virtio-9p-pci", { fsdev: id, mount_tag: tag })],
  ];
}

/** A daemon serves one folder and ends with its one connection. An ordinary user can build no sandbox around it; what the user may not do, it may not either. */
function daemon({ program, kind }: Virtiofsd, host: HostFacts, share: BootInput["shares"][number], socket: string, index: number, guarded: boolean): Command {
  const command = new Command(program, { name: `virtiofsd ${index}` });
  if (kind === "c") return command.add(`--socket-path=${socket}`).add("-o", optionText(undefined, { source: share.source, sandbox: "namespace" }).replaceAll(",,", "\\,"));
  command.add("--socket-path", socket).add("--shared-dir", share.source).add("--sandbox", host.uid === 0 ? "namespace" : "none");
  if (share.readOnly && guarded) command.add("--readonly");
  return command;
}
