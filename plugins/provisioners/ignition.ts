import { homeFolders, MachineError, mountUnits, type Claimed, type GuestDraft, type GuestFile, type GuestFolder, type GuestUnit, type GuestUser, type Provisioner } from "glowplug";
import { compareVersions, versions, type IgnitionConfig, type IgnitionFile, type IgnitionNode, type IgnitionUnit, type IgnitionUser, type IgnitionVersion } from "./ignition/config.ts";
import { dataUrl } from "./ignition/data-url.ts";
import { mergeFragment, type IgnitionFragment } from "./ignition/merge.ts";
import { checkNodes } from "./ignition/nodes.ts";
import { plainMode, specialModes } from "./ignition/special-modes.ts";

export type { IgnitionFragment, IgnitionVersion };

export interface IgnitionOptions {
  /** Version of the config's language. Default: "3.3.0", which Ignition 2.14 and every Fedora CoreOS since 2021 read. */
  version?: IgnitionVersion;
  /** Raw Ignition, merged in at the end; wins over everything else. One that names a higher `ignition.version` raises ours. Default: none. */
  merge?: IgnitionFragment | readonly IgnitionFragment[];
}

/** Renders the guest draft as Ignition, the first-boot language of Fedora CoreOS. */
export default function ignition(options: IgnitionOptions = {}): Provisioner {
  const version = options.version ?? "3.3.0";
  if (!versions.includes(version)) {
    throw new MachineError("bad-spec", `${JSON.stringify(version)} is no version of Ignition's config that we write`, { hint: `Write one of ${versions.join(", ")}.`, plugin: "ignition" });
  }
  const fragments = [options.merge ?? []].flat() as readonly IgnitionFragment[];
  return {
    name: "ignition",
    role: "provisioner",
    firstBoot: "ignition",
    seed: "ignition",
    render(guest) {
      const own = guest.userConfig === undefined ? [] : [JSON.parse(guest.userConfig.text) as IgnitionFragment];
      const config = [...own, ...fragments].reduce(withFragment, renderConfig(guest, version) as unknown as IgnitionFragment);
      checkNodes(config);
      return { kind: "ignition", text: `${JSON.stringify(config, null, 2)}\n` };
    },
  };
}

function renderConfig(guest: GuestDraft, version: IgnitionVersion): IgnitionConfig {
  const mounts = mountUnits(guest.mounts);
  const hostname: GuestFile = { path: "/etc/hostname", content: `${guest.hostname}\n` };
  const files: GuestFile[] = guest.files.some((file) => file.path === hostname.path) ? [...guest.files] : [hostname, ...guest.files];
  const modes = specialModes([...guest.folders, ...guest.files]);
  if (modes) files.push(modes);
  return {
    ignition: { version },
    passwd: { users: guest.users.map((user) => renderUser(user, version)) },
    storage: {
      directories: [...homeFolders(guest), ...guest.folders].map(renderFolder),
      files: files.map(renderFile),
      links: guest.links.map(({ path, target, overwrite = true }) => ({ path, overwrite, target, hard: false })),
    },
    systemd: { units: [...guest.units, ...mounts].map(renderUnit) },
  };
}

function renderUser(user: Claimed<GuestUser>, version: IgnitionVersion): IgnitionUser {
  if (user.absent && compareVersions(version, "3.2.0") < 0) {
    throw new MachineError("bad-spec", `Ignition's config ${version} cannot take away the image's user ${user.name}`, { hint: `Use version 3.2.0 or later, or keep ${user.name} as the machine's user.`, plugin: "ignition" });
  }
  if (user.absent) return { name: user.name, shouldExist: false };
  return {
    name: user.name,
    ...(user.uid !== undefined && { uid: user.uid }), ...(user.groups && { groups: user.groups }),
    ...(user.shell !== undefined && { shell: user.shell }), ...(user.authorizedKeys && { sshAuthorizedKeys: user.authorizedKeys }),
  };
}

function owner({ user, group = user }: GuestFolder): Pick<IgnitionNode, "user" | "group"> {
  return { ...(user !== undefined && { user: { name: user } }), ...(group !== undefined && { group: { name: group } }) };
}

function renderFolder(folder: Claimed<GuestFolder>): IgnitionNode {
  return { path: folder.path, mode: plainMode(folder.mode ?? 0o755), ...owner(folder) };
}

function renderFile(file: GuestFile): IgnitionFile {
  return { path: file.path, overwrite: file.overwrite ?? true, mode: plainMode(file.mode ?? 0o644), ...owner(file), contents: { source: dataUrl(file.content ?? "") } };
}

function renderUnit(unit: Claimed<GuestUnit>): IgnitionUnit {
  return {
    name: unit.name,
    ...(unit.enabled !== undefined && { enabled: unit.enabled }), ...(unit.mask !== undefined && { mask: unit.mask }),
    ...(unit.content !== undefined && { contents: unit.content }),
    ...(unit.dropins && { dropins: unit.dropins.map(({ name, content }) => ({ name, contents: content })) }),
  };
}

function withFragment(config: IgnitionFragment, fragment: IgnitionFragment): IgnitionFragment {
  const ours = versionOf(config) ?? "3.3.0";
  const theirs = versionOf(fragment);
  if (theirs !== undefined && !/^3\.\d+\.\d+/.test(theirs)) {
    throw new MachineError("bad-spec", `an Ignition fragment is of version ${JSON.stringify(theirs)}; expected 3.x`, { hint: "Translate it to version 3, or leave its ignition.version out.", plugin: "ignition" });
  }
  const version = theirs !== undefined && compareVersions(theirs, ours) > 0 ? theirs : ours;
  return mergeFragment(mergeFragment(config, fragment), { ignition: { version } });
}

function versionOf(config: IgnitionFragment): string | undefined {
  const version = (config["ignition"] as { version?: unknown } | undefined)?.version;
  return typeof version === "string" ? version : undefined;
}
