import type { FirstBoot } from "glowplug";
import { of, type TreeFile } from "./tree-file.ts";
import { unitFiles } from "./units.ts";

/** The root partition follows the disk, at each boot: a disk may be enlarged at any time. cloud-init does that by itself. */
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
for number in "$disk"/*/partition; do
  read -r value < "$number"
  [ "$value" = 1 ] && break
done
boot=\${number%/partition}
folder=/run/glowplug-boot
mkdir -p "$folder"
mount -t vfat -o umask=077 "/dev/\${boot##*/}" "$folder"
sed 's/ ignition\\.firstboot=1//' "$folder/syslinux.cfg" > "$folder/syslinux.new"
sync "$folder/syslinux.new"
mv "$folder/syslinux.new" "$folder/syslinux.cfg"
umount "$folder"
rmdir "$folder"
`;

const sshd = [
  // Ignition puts login keys into a file of its own, which Debian's sshd does not read by itself.
  "AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
  "KbdInteractiveAuthentication no", "UseDNS no", "PrintLastLog no", "AllowStreamLocalForwarding yes",
];

const network = ["[Match]", "Name=en* eth*", "", "[Network]", "DHCP=ipv4", "", "[DHCPv4]", "ClientIdentifier=mac", "UseDomains=true"];
const storage = ["[storage]", 'driver = "overlay"', 'runroot = "/run/containers/storage"', 'graphroot = "/var/lib/containers/storage"'];
const text = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

/** Files of a guest that no package brings. */
export const guestFiles = (firstBoot: FirstBoot): readonly TreeFile[] => of(allFiles, firstBoot);

const allFiles: readonly TreeFile[] = [
  { path: "/etc/hostname", content: "localhost\n" },
  { path: "/etc/hosts", content: "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" },
  { path: "/etc/fstab", content: "LABEL=root / ext4 rw,noatime 0 1\n" },
  { path: "/etc/default/locale", content: "LANG=C.UTF-8\n" },
  { path: "/etc/motd", content: "" },
  { path: "/etc/systemd/network/80-dhcp.network", content: text(network), only: "ignition" },
  { path: "/etc/ssh/sshd_config.d/10-image.conf", content: text(sshd) },
  { path: "/etc/sudoers.d/90-image", mode: "0440", content: "%sudo ALL=(ALL) NOPASSWD:ALL\n%wheel ALL=(ALL) NOPASSWD:ALL\n" },
  { path: "/etc/containers/containers.conf.d/10-image.conf", content: '[network]\nnetwork_backend = "netavark"\n' },
  { path: "/etc/containers/storage.conf", content: text(storage) },
  // A policy without a single rule: Ignition wants to see one.
  { path: "/etc/selinux/config", content: "SELINUX=disabled\nSELINUXTYPE=none\n", only: "ignition" },
  { path: "/etc/selinux/none/contexts/files/file_contexts", content: "", only: "ignition" },
  { path: "/usr/lib/glowplug/grow-root", mode: "0755", content: growRoot, only: "ignition" },
  { path: "/usr/lib/glowplug/first-boot-done", mode: "0755", content: firstBootDone, only: "ignition" },
  ...unitFiles,
];
