import { Command, compareVersions, findVersion, MachineError, type HostFacts } from "glowplug";

/** A virtiofsd of this host. Two programs bear the name, with different flags. */
export interface Virtiofsd {
  readonly program: string;
  /** rust: the one that is developed. c: QEMU's own up to 7.2, for root only. */
  readonly kind: "rust" | "c";
  /** Undefined where it could not be asked; it then counts as new. */
  readonly version?: string;
}

/** Whom files belong to on either side. */
export interface Owners {
  readonly host: Pick<HostFacts, "uid" | "gid">;
  /** The guest's login user. */
  readonly guestUid: number;
}

/** Where distributions keep it, out of PATH. */
const folders = ["/usr/libexec", "/usr/lib", "/usr/lib/qemu", "/usr/lib/kvm"];

/** Finds a virtiofsd that this user can run: the one that is named, or the first that will do; none with false. Throws MachineError "missing-program" where the named one will not do. */
export async function findVirtiofsd(host: HostFacts, named?: string | false): Promise<Virtiofsd | undefined> {
  if (host.os !== "linux" || named === false) return undefined;
  const found = await search(host, named);
  if (!found && named !== undefined) {
    throw new MachineError("missing-program", `${named} is not there, or is no virtiofsd that this user can run`, { plugin: "qemu", hint: "Name another for `virtiofsd`, or say false: volumes then go over 9p." });
  }
  return found;
}

async function search(host: HostFacts, named: string | undefined): Promise<Virtiofsd | undefined> {
  const first = host.find(named ?? "virtiofsd", { folders });
  if (first === undefined) return undefined;
  if (!host.local) return { program: first, kind: "rust" };
  const others = named === undefined ? folders.flatMap((folder) => host.firstFile([`${folder}/virtiofsd`]) ?? []) : [];
  for (const program of new Set([first, ...others])) {
    const found = await ask(host, program);
    if (found) return found;
  }
  return undefined;
}

async function ask(host: HostFacts, program: string): Promise<Virtiofsd | undefined> {
  const { exitCode, stdout, stderr } = await host.probe(program, ["--version"]);
  if (exitCode !== 0) return undefined;
  const version = findVersion(`${stdout}\n${stderr}`);
  // QEMU's own prints "virtiofsd version 7.2.22 ..." and "using FUSE kernel interface".
  const kind = /FUSE kernel interface|virtiofsd version/.test(`${stdout}${stderr}`) ? "c" : "rust";
  if (kind === "c" && host.uid !== 0) return undefined;
  return { program, kind, ...(version !== undefined && { version }) };
}

/** Whether it maps owners and holds a folder read-only itself: both came with version 1.13. */
export function isNew({ kind, version }: Virtiofsd): boolean {
  return kind === "rust" && (version === undefined || compareVersions(version, "1.13") >= 0);
}

/**
 * The daemon of one folder; it ends with its one connection. An ordinary user can build no sandbox around it; what the user may
 * not do, it may not either.
 * Whoever makes a file in the guest, on the host it is the user's, and what is the user's here is the login user's there. Without
 * the mapping an ordinary user's virtiofsd does the same for the guest's root and login user and refuses everybody else; root's keeps the guest's ids.
 */
export function daemon(virtiofsd: Virtiofsd, { host, guestUid }: Owners, share: { readonly name: string; readonly source: string; readonly listedSource: string; readonly socket: string; readonly readOnly: boolean }): Command {
  const command = new Command(virtiofsd.program, { name: share.name });
  if (virtiofsd.kind === "c") return command.add(`--socket-path=${share.socket}`).add("-o", `source=${share.listedSource},sandbox=namespace`);
  command.add("--socket-path", share.socket).add("--shared-dir", share.source).add("--sandbox", host.uid === 0 ? "namespace" : "none");
  if (!isNew(virtiofsd)) return command;
  for (const [flag, id] of [["--translate-uid", host.uid], ["--translate-gid", host.gid]] as const) {
    command.add(flag, `squash-guest:0:${id}:4294967295`);
    if (id !== guestUid) command.add(flag, `host:${id}:${guestUid}:1`);
  }
  if (share.readOnly) command.add("--readonly");
  return command;
}

/** A path in a list of FUSE's options, where commas end an option. */
export function listed(path: string): string {
  return path.replaceAll(/[\\,]/g, "\\$&");
}
