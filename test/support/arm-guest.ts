import { truncateSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { armLinux } from "../../setup/packages.mjs";
import { makeArchive } from "./cpio.ts";
import { run } from "./world.ts";

/** What runs as the guest's first process, on the programs and drivers of Debian's installer. */
const firstProcess = `#!/bin/sh
export PATH=/sbin:/bin:/usr/sbin:/usr/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for driver in virtio_pci virtio_net virtio_console; do modprobe $driver; done
ip link set lo up
while :; do nc -p 80 -l -e /page; done &
until [ -n "$told" ]; do
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat $port/name)" = PORT ] && echo Ready > /dev/\${port##*/} && told=yes
  done
done
# A card that is plugged in, now or later, asks for an address.
while :; do
  if [ -e /sys/class/net/eth0 ] && ! ip -4 addr show dev eth0 | grep -q inet; then
    ip link set eth0 up
    udhcpc -i eth0 -q -n -t 20 -T 1 -s /lease
  fi
  sleep 1
done
`;
/** Its busybox has no web server. */
const page = `#!/bin/sh
while read -r line && [ "\${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'
uname -m
cat /proc/sys/kernel/random/boot_id
`;
const lease = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
echo "lease: $interface has $ip"
`;
const loader = `linux /linux console=ttyAMA0 rdinit=/first net.ifnames=0
initrd /initrd /own
boot
`;

/**
 * Makes a disk with a real AArch64 Linux that boots by UEFI: the boot loader, kernel and initrd of Debian's installer, and a first process of
 * our own. It says "Ready" on the port of that name, has its address by DHCP, and a page on port 80 tells its architecture and boot.
 */
export async function makeArmDisk(path: string, readyPort: string): Promise<void> {
  const tools = join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "glowplug/tools", armLinux.name);
  const [linux = "", initrd = "", grub = ""] = armLinux.files.map((file) => join(tools, file));
  const programs = { first: firstProcess.replace("PORT", readyPort), lease, page };
  const own = makeArchive(Object.entries(programs).map(([name, content]) => ({ path: name, mode: 0o755, content })));
  writeFileSync(`${path}.own`, own);
  writeFileSync(`${path}.cfg`, loader);
  writeFileSync(path, "");
  truncateSync(path, 128 * 2 ** 20);
  // The folder of its settings is built into this boot loader.
  const settings = ["::debian-installer", "::debian-installer/arm64", "::debian-installer/arm64/grub"];
  for (const [program, ...argv] of [
    ["mkfs.vfat", "-F", "32", path], ["mmd", "-i", path, "::EFI", "::EFI/BOOT", ...settings], ["mcopy", "-i", path, grub, "::EFI/BOOT/BOOTAA64.EFI"],
    ["mcopy", "-i", path, linux, "::linux"], ["mcopy", "-i", path, initrd, "::initrd"], ["mcopy", "-i", path, `${path}.own`, "::own"],
    ["mcopy", "-i", path, `${path}.cfg`, "::debian-installer/arm64/grub/grub.cfg"],
  ] as const) {
    expect(await run(program, argv, { env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` } }), `${program} ${argv.join(" ")}`).toMatchObject({ code: 0 });
  }
}
