import type { FirstBoot } from "glowplug";
import { of, type TreeFile } from "./tree-file.ts";

/** Units that run in a guest beside what first boot enables. */
export const enabledUnits = (firstBoot: FirstBoot): readonly string[] => of(allEnabled, firstBoot).map(({ name }) => name);

const allEnabled: readonly { readonly name: string; readonly only?: FirstBoot }[] = [
  { name: "ssh.service" }, { name: "systemd-networkd.service" }, { name: "systemd-resolved.service" },
  { name: "grow-root.service", only: "ignition" }, { name: "first-boot-done.service", only: "ignition" },
];

/** Units of packages that a container machine starts without. */
export const disabledUnits: readonly string[] = [
  "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "getty@tty1.service",
  "podman.service", "podman.socket", "podman-auto-update.service", "podman-auto-update.timer", "podman-restart.service",
  "systemd-pstore.service", "remote-fs.target", "remote-cryptsetup.target",
];

/** Units that would start without being enabled. What they load is loaded on first use anyway. */
export const maskedUnits: readonly string[] = [
  "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "dev-hugepages.mount",
  "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service", "modprobe@loop.service",
  "dracut-shutdown.service", "systemd-firstboot.service", "systemd-network-generator.service", "systemd-repart.service", "systemd-fsckd.socket",
];

/** The same for each user's own manager. */
export const maskedUserUnits: readonly string[] = [
  "dirmngr.socket", "gpg-agent.socket", "gpg-agent-browser.socket", "gpg-agent-extra.socket", "gpg-agent-ssh.socket",
];

/** Generators that look for what this guest never has. */
export const maskedGenerators: readonly string[] = [
  "systemd-bless-boot-generator", "systemd-cryptsetup-generator", "systemd-gpt-auto-generator", "systemd-hibernate-resume-generator",
  "systemd-integritysetup-generator", "systemd-rc-local-generator", "systemd-system-update-generator", "systemd-sysv-generator", "systemd-veritysetup-generator",
];

/**
 * Units of Debian that wait for the whole network and for name resolution. Here they don't: nothing of what they do needs either,
 * and it takes seconds off every boot. An override can add orderings and never remove one, so a copy without them is put before the original.
 */
export const unitsWithoutNetwork: readonly string[] = ["ssh.service", "systemd-user-sessions.service", "systemd-resolved.service"];

/** Early units need no more than the root file system. */
const early = (description: string, condition: string, program: string): string => `[Unit]
Description=${description}
DefaultDependencies=no
${condition}After=systemd-remount-fs.service
Conflicts=shutdown.target
Before=shutdown.target ssh.service podman.socket

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${program}

[Install]
WantedBy=multi-user.target
`;

const hostKey = "/etc/ssh/ssh_host_ed25519_key";
const dropin = (unit: string, content: string): TreeFile => ({ path: `/etc/systemd/system/${unit}.d/10-image.conf`, content });

/** Units of our own and changes to others'. */
export const unitFiles: readonly TreeFile[] = [
  { path: "/etc/systemd/system/grow-root.service", content: early("Grow the root file system to the disk", "", "/usr/lib/glowplug/grow-root"), only: "ignition" },
  {
    path: "/etc/systemd/system/first-boot-done.service",
    content: early("End the first boot", "ConditionKernelCommandLine=ignition.firstboot=1\n", "/usr/lib/glowplug/first-boot-done"), only: "ignition",
  },
  // Debian makes host keys when the package is installed, and never at boot.
  {
    path: "/etc/systemd/system/ssh-host-key.service",
    content: `[Unit]\nDescription=Make the ssh host key where first boot brought none\nConditionPathExists=!${hostKey}\n\n[Service]\nType=oneshot\nExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f ${hostKey}\n`,
  },
  dropin("ssh.service", "[Unit]\nWants=ssh-host-key.service\nAfter=ssh-host-key.service\n"),
  dropin("user@.service", "[Service]\nDelegate=cpu cpuset io memory pids\n"),
  // A hundred virtual terminals are of no use on a serial line; the line itself is.
  dropin("systemd-udev-trigger.service", [
    "[Service]", "ExecStart=",
    "ExecStart=-udevadm trigger --type=all --action=add --prioritized-subsystem=module,block,net --subsystem-nomatch=tty --subsystem-nomatch=vc --subsystem-nomatch=memory --subsystem-nomatch=workqueue",
    "ExecStart=-udevadm trigger --action=add --subsystem-match=tty --sysname-match=ttyS0 --sysname-match=ttyAMA0 --sysname-match=hvc*", "",
  ].join("\n")),
  // Beneath Ignition's own preset; without it the first boot would enable every unit there is.
  { path: "/etc/systemd/system-preset/80-image.preset", content: "disable *\n", only: "ignition" },
];
