import type { GuestMount } from "./guest.ts";
import type { GuestUnit } from "./model.ts";
import { escapePath } from "./systemd.ts";

const foldersUnit = "glowplug-mount-points.service";

/** The units that mount a draft's shares at every boot. A share that cannot be mounted fails its unit; the boot goes on. */
export function mountUnits(mounts: readonly GuestMount[]): GuestUnit[] {
  const inRoot = mounts.map((mount) => mount.target).filter((target) => !/^\/(etc|home|mnt|opt|root|run|srv|tmp|var)\//.test(target));
  return [...mounts.map((mount) => mountUnit(mount, inRoot.includes(mount.target))), ...(inRoot.length > 0 ? [mountPoints(inRoot)] : [])];
}

function mountUnit({ tag, kind, target, readOnly }: GuestMount, inRoot: boolean): GuestUnit {
  // SELinux knows 9p as a network file system and labels it so; virtiofs carries the host's labels, which containers may not use.
  const options = kind === "virtiofs" ? ['context="system_u:object_r:nfs_t:s0"'] : ["trans=virtio", "version=9p2000.L", "msize=131072"];
  const content = `[Unit]
Description=Folder of the host at ${specifierSafe(target)}
${inRoot ? `Requires=${foldersUnit}\nAfter=${foldersUnit}\n` : ""}
[Mount]
What=${specifierSafe(tag)}
Where=${specifierSafe(target)}
Type=${kind}
Options=${[...options, ...(readOnly ? ["ro"] : [])].join(",")}

[Install]
WantedBy=multi-user.target
`;
  return { name: `${escapePath(target)}.mount`, content, enabled: true };
}

/** Mount points beside /etc and /usr: Fedora CoreOS keeps / immutable (chattr +i), so that systemd cannot make them there. */
function mountPoints(targets: readonly string[]): GuestUnit {
  const onFedoraCoreos = (command: string) => `ExecStart=-/bin/sh -c '[ ! -e /run/ostree-booted ] || ${command}'`;
  const content = `[Unit]
Description=Mount points for folders of the host
DefaultDependencies=no
After=systemd-remount-fs.service
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
${onFedoraCoreos("chattr -i /")}
ExecStart=/bin/mkdir -p ${targets.map(argument).join(" ")}
${onFedoraCoreos("chattr +i /")}
`;
  return { name: foldersUnit, content };
}

/** "%" begins a specifier in every setting of a unit. */
function specifierSafe(text: string): string {
  return text.replaceAll("%", "%%");
}
/** One argument of an ExecStart line, where "$" begins a variable as well. */
function argument(text: string): string {
  return `"${specifierSafe(text).replaceAll("$", "$$$$").replaceAll(/["\\]/g, "\\$&")}"`;
}
