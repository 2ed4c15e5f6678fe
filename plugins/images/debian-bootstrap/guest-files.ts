/** A file that the build writes into the guest. */
export interface TreeFile {
  readonly path: string;
  /** Octal, as chmod takes it. Default: 0644. */
  readonly mode?: string;
  readonly content: string;
}

/** The root partition follows the disk, at each boot: `set --disk-size` may come at any time. */
const growRoot = `#!/bin/sh
# Grows the root partition and its file system to the end of the disk. Does nothing when they are there already.
set -eu
part=$(readlink -f "$(findmnt -n -o SOURCE /)")
part=\${part##*/}
disk=$(readlink -f "/sys/class/block/$part/..")
disk=\${disk##*/}
read -r start < "/sys/class/block/$part/start"
read -r size < "/sys/class/block/$part/size"
read -r number < "/sys/class/block/$part/partition"
read -r total < "/sys/class/block/$disk/size"
# The partition table counts sectors with 32 bits.
[ "$total" -le 4294967295 ] || total=4294967295
wanted=$((total - start))
if [ $((wanted - size)) -ge 2048 ]; then
  echo ",$wanted" | sfdisk --quiet --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
  resizepart "/dev/$disk" "$number" "$wanted"
fi
exec resize2fs "/dev/$part"
`;

/** Ignition belongs to the first boot: its switch leaves the kernel line as soon as the real root runs. */
const firstBootDone = `#!/bin/sh
# Takes ignition.firstboot=1 out of the boot loader's configuration.
set -eu
part=$(readlink -f "$(findmnt -n -o SOURCE /)")
disk=$(readlink -f "/sys/class/block/\${part##*/}/..")
for boot in "$disk"/*/partition; do
  read -r number < "$boot"
  [ "$number" = 1 ] && break
done
boot=\${boot%/partition}
mkdir -p /run/glowplug-boot
mount -t vfat -o umask=077 "/dev/\${boot##*/}" /run/glowplug-boot
sed 's/ ignition\\.firstboot=1//' /run/glowplug-boot/syslinux.cfg > /run/glowplug-boot/syslinux.new
sync -f /run/glowplug-boot/syslinux.new
mv /run/glowplug-boot/syslinux.new /run/glowplug-boot/syslinux.cfg
umount /run/glowplug-boot
rmdir /run/glowplug-boot
`;

/** Files of the guest that no package brings. */
export const guestFiles: readonly TreeFile[] = [
  { path: "/etc/hostname", content: "localhost\n" },
  { path: "/etc/hosts", content: "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" },
  { path: "/etc/fstab", content: "LABEL=root / ext4 rw,noatime 0 1\n" },
  { path: "/etc/default/locale", content: "LANG=C.UTF-8\n" },
  { path: "/etc/motd", content: "" },
  // Beneath Ignition's own preset; without it the first boot would enable every unit there is.
  { path: "/etc/systemd/system-preset/80-image.preset", content: "disable *\n" },
  { path: "/etc/systemd/network/80-dhcp.network", content: "[Match]\nName=en* eth*\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\nUseDomains=true\n" },
  { path: "/etc/systemd/system/user@.service.d/10-delegate.conf", content: "[Service]\nDelegate=cpu cpuset io memory pids\n" },
  // Ignition puts login keys into a file of its own, which Debian's sshd does not read by itself.
  { path: "/etc/ssh/sshd_config.d/10-image.conf", content: [
    "AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
    "KbdInteractiveAuthentication no", "UseDNS no", "PrintLastLog no", "AcceptEnv LANG LC_*", "AllowStreamLocalForwarding yes", "",
  ].join("\n") },
  // Debian makes host keys when the package is installed, and never at boot.
  { path: "/etc/systemd/system/ssh.service.d/10-host-key.conf", content: "[Unit]\nWants=ssh-host-key.service\nAfter=ssh-host-key.service\n" },
  { path: "/etc/systemd/system/ssh-host-key.service", content: "[Unit]\nDescription=Make the ssh host key where first boot brought none\nConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\n\n[Service]\nType=oneshot\nExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key\n" },
  { path: "/etc/sudoers.d/90-image", mode: "0440", content: "%sudo ALL=(ALL) NOPASSWD:ALL\n%wheel ALL=(ALL) NOPASSWD:ALL\n" },
  { path: "/etc/containers/containers.conf.d/10-image.conf", content: "[network]\nnetwork_backend = \"netavark\"\n" },
  // Ignition ends by relabelling for SELinux, which Debian does not run: a policy without a single rule satisfies it.
  { path: "/etc/selinux/config", content: "SELINUX=disabled\nSELINUXTYPE=none\n" },
  { path: "/etc/selinux/none/contexts/files/file_contexts", content: "" },
  { path: "/usr/lib/glowplug/setfiles", mode: "0755", content: "#!/bin/sh\nexit 0\n" },
  { path: "/usr/lib/glowplug/grow-root", mode: "0755", content: growRoot },
  { path: "/usr/lib/glowplug/first-boot-done", mode: "0755", content: firstBootDone },
  { path: "/etc/systemd/system/grow-root.service", content: "[Unit]\nDescription=Grow the root file system to the disk\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\nConflicts=shutdown.target\nBefore=shutdown.target\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/lib/glowplug/grow-root\n\n[Install]\nWantedBy=multi-user.target\n" },
  { path: "/etc/systemd/system/first-boot-done.service", content: "[Unit]\nDescription=End the first boot\nDefaultDependencies=no\nConditionKernelCommandLine=ignition.firstboot=1\nAfter=systemd-remount-fs.service\nConflicts=shutdown.target\nBefore=shutdown.target ssh.service\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/lib/glowplug/first-boot-done\n\n[Install]\nWantedBy=multi-user.target\n" },
];

/** Units that run in the guest beside what Ignition enables. */
export const enabledUnits: readonly string[] = [
  "ssh.service", "systemd-networkd.service", "systemd-resolved.service", "grow-root.service", "first-boot-done.service",
];

/** Units of packages that a short-lived machine does without. */
export const disabledUnits: readonly string[] = [
  "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "getty@tty1.service",
  "podman.service", "podman.socket", "podman-auto-update.service", "podman-auto-update.timer", "podman-restart.service",
  "systemd-pstore.service", "remote-fs.target", "remote-cryptsetup.target",
];

/** Units that would start without being enabled. */
export const maskedUnits: readonly string[] = [
  "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "modprobe@drm.service", "modprobe@efi_pstore.service", "systemd-update-utmp-runlevel.service",
];
