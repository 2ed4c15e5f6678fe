import type { FirstBoot } from "glowplug";

/** Debian's name of the release that is built. */
export const suite = "bookworm";

/** Debian packages that the host needs for the build. On Debian and its descendants: `apt-get install` them. */
export const hostPackages: readonly string[] = [
  "apt", "debian-archive-keyring", "mmdebstrap", // the guest's tree
  "fdisk", "dosfstools", "mtools", "syslinux", "syslinux-common", "e2fsprogs", // the disk
  "qemu-utils", "uidmap", "util-linux", // its format, and a build without root
];

/** Programs of the above that the script calls. */
export const hostPrograms: readonly string[] = [
  "apt-config", "apt-get", "bash", "mmdebstrap", "sfdisk", "mkfs.vfat", "mcopy", "syslinux", "mkfs.ext4", "qemu-img",
];

/** What does the first boot, the tools it calls, and what makes and is in the initrd. netplan, since the publisher's own cloud images have it. */
const firstBootPackages: Readonly<Record<FirstBoot, readonly string[]>> = {
  ignition: ["ignition", "dracut", "zstd", "gdisk", "dosfstools", "e2fsprogs", "fdisk"],
  "cloud-init": ["cloud-init", "cloud-guest-utils", "netplan.io", "dracut", "zstd", "e2fsprogs", "fdisk"],
};

/** What a guest is made of, without recommended packages. */
export const guestPackages = (firstBoot: FirstBoot): readonly string[] => [
  // system
  "systemd", "systemd-sysv", "systemd-resolved", "udev", "dbus", "dbus-user-session", "libpam-systemd", "libnss-myhostname",
  "kmod", "procps", "iproute2", "sudo", "tzdata", "netbase", "ca-certificates", "debian-archive-keyring", "openssh-server",
  "linux-image-amd64",
  ...firstBootPackages[firstBoot],
  // containers
  "podman", "crun", "conmon", "netavark", "aardvark-dns", "iptables", "catatonit", "uidmap", "slirp4netns",
  // for people and for images made FROM scratch
  "busybox-static", "curl",
];

/** Parts of packages that a virtual machine never uses. dpkg leaves them out, now and at later installs. */
export const leftOut: readonly string[] = [
  "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*", "/usr/share/bug/*",
  ...["accessibility", "android", "bluetooth", "comedi", "firewire", "gpu", "hid", "hwmon", "iio", "infiniband", "isdn", "leds", "media", "memstick", "mfd",
    "misc", "mmc", "mtd", "net/can", "net/ethernet", "net/wireless", "parport", "pcmcia", "platform", "power", "spi", "staging", "thunderbolt",
    "video", "w1", "watchdog"].map((folder) => `/lib/modules/*/kernel/drivers/${folder}/*`),
  ...["block/floppy.ko", "i2c/*", "input/misc/*", "input/mouse/*"].map((path) => `/lib/modules/*/kernel/drivers/${path}`),
  "/lib/modules/*/kernel/sound/*", "/lib/modules/*/kernel/net/bluetooth/*", "/lib/modules/*/kernel/net/mac80211/*",
  "/lib/modules/*/kernel/net/wireless/*", "/lib/modules/*/kernel/net/nfc/*",
];

/** Exceptions to the above: licences stay. */
export const keptIn: readonly string[] = ["/usr/share/doc/*/copyright", "/lib/modules/*/kernel/drivers/net/ethernet/intel/e1000*"];
