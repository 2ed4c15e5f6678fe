import type { GuestDraft } from "./guest.ts";

/** The unit that lets the root file system follow its disk. */
export const growUnit = "glowplug-grow.service";
const folder = "/var/lib/glowplug";

/**
 * Lets the guest's root partition and its file system follow the disk at every boot: a disk is enlarged at any time, and Fedora CoreOS looks
 * at its size in the first boot alone. An image that does so by itself leaves nothing to do.
 */
export function growRoot(guest: GuestDraft): void {
  guest.file({ path: `${folder}/grow`, content: growScript });
  guest.unit({ name: growUnit, content: unitText });
}

/**
 * Only the last partition has room behind it. On Fedora CoreOS the root is /sysroot, mounted read-only; / is made of it. XFS grows where
 * it is mounted for writing. What is no plain partition (LVM, LUKS) is left to the image.
 */
const growScript = `# Grows the root partition and its file system to the end of the disk.
set -eu
top=/
[ ! -e /run/ostree-booted ] || top=/sysroot
source=$(findmnt -n -o SOURCE "$top")
part=$(readlink -f "\${source%%"["*}") || exit 0
part=\${part##*/}
blocks=/sys/class/block
[ -e "$blocks/$part/partition" ] || exit 0
disk=$(readlink -f "$blocks/$part/..")
disk=\${disk##*/}
read -r number < "$blocks/$part/partition"
read -r start < "$blocks/$part/start"
read -r size < "$blocks/$part/size"
read -r total < "$blocks/$disk/size"
for other in "$blocks/$disk"/*/start; do
  read -r begin < "$other"
  [ "$begin" -le "$start" ] || exit 0
done
# A few MiB are left free by those who align partitions, and by the table's copy at the end.
if [ $((total - start - size)) -ge 20480 ]; then
  if command -v growpart > /dev/null; then growpart "/dev/$disk" "$number"
  else
    echo ", +" | sfdisk --quiet --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
    partx --update --nr "$number" "/dev/$disk"
  fi
  read -r size < "$blocks/$part/size"
fi
# The file system of a boot that was cut off here is grown by the next one.
was=none
[ ! -e ${folder}/grown ] || read -r was < ${folder}/grown
[ "$was" != "$size" ] || exit 0
case $(findmnt -n -o FSTYPE "$top") in
  xfs) unshare --mount /bin/sh -c 'mount -o remount,rw "$1" && xfs_growfs "$1"' sh "$top" > /dev/null ;;
  btrfs) btrfs filesystem resize max "$top" > /dev/null ;;
  ext*) resize2fs "/dev/$part" ;;
esac
echo "$size" > ${folder}/grown
`;

/** The script is an argument of /bin/sh, as SELinux wants it of files in /var/lib. */
const unitText = `[Unit]
Description=Let the root file system follow the disk

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${folder}/grow

[Install]
WantedBy=multi-user.target
`;
