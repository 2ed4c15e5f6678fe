import type { FirstBoot } from "glowplug";
import { of, type TreeFile } from "./tree-file.ts";

/** Drivers of the root disk, whatever bus it is on, of Ignition's config, and of the network card: early, so that its address is there when sshd is. */
const drivers = (firstBoot: FirstBoot): readonly string[] => [
  "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", ...(firstBoot === "ignition" ? ["qemu_fw_cfg"] : []), "sd_mod", "ahci", "nvme", "ext4", "crc32c_generic", "crc32c_intel",
];

/** Parts of dracut in the initrd. A full one is three times as large and slower to start. */
const parts = (firstBoot: FirstBoot): readonly string[] => ["bash", "systemd", "systemd-initrd", "udev-rules", "base", "fs-lib", ...(firstBoot === "ignition" ? ["ignition"] : []), "image"];

/** dracut's configuration in the guest. */
const dracutConfig = (firstBoot: FirstBoot): string => [
  "hostonly=no", "early_microcode=no", "show_modules=no", "do_strip=no", "do_hardlink=no", "use_fstab=no",
  `dracutmodules+=" ${parts(firstBoot).join(" ")} "`,
  `add_drivers+=" ${drivers(firstBoot).join(" ")} "`,
  `filesystems+=" ext4 "`,
  `compress="zstd -6"`,
  "",
].join("\n");

const here = "/usr/lib/dracut/modules.d/95image";
const toConsole = "[Service]\nStandardOutput=journal+console\n";

/** Where a failed first boot ends, and never goes on: in a shell on the console, below what Ignition said. */
const emergency = `[Unit]
Description=Emergency Shell
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Environment=HOME=/ TERM=linux
WorkingDirectory=/
ExecStartPre=-/bin/echo Entering emergency mode.
ExecStart=-/bin/bash -i
StandardInput=tty-force
StandardOutput=inherit
StandardError=inherit
TTYPath=/dev/console
KillMode=process
IgnoreSIGPIPE=no
SendSIGHUP=yes
`;

/** Files that only the initrd has, by their path in it. */
const allInitrdFiles: readonly TreeFile[] = [
  // Ignition ends by relabelling for SELinux, which Debian does not run.
  { path: "/usr/sbin/setfiles", mode: "0755", content: "#!/bin/sh\nexit 0\n", only: "ignition" },
  // What Ignition says when it fails is read on the console: its first stages log by priority, the last two print.
  { path: "/etc/systemd/journald.conf.d/80-image.conf", content: "[Journal]\nForwardToConsole=yes\nMaxLevelConsole=err\n", only: "ignition" },
  { path: "/etc/systemd/system/ignition-mount.service.d/80-image.conf", content: toConsole, only: "ignition" },
  { path: "/etc/systemd/system/ignition-files.service.d/80-image.conf", content: toConsole, only: "ignition" },
  { path: "/etc/systemd/system/emergency.service", content: emergency },
  // Only what leads to the disk and the card. All the others are met in the real root, once and not twice.
  { path: "/etc/systemd/system/systemd-udev-trigger.service.d/80-image.conf", content: "[Service]\nExecStart=\nExecStart=-udevadm trigger --action=add --subsystem-match=pci --subsystem-match=virtio --subsystem-match=block --subsystem-match=scsi --subsystem-match=net\n" },
];

const moduleSetup = (files: readonly TreeFile[]): string => `#!/bin/bash
check() { return 0; }
depends() { echo systemd; }
install() {
${files.map(({ path }, index) => `  inst_simple "$moddir/${index}" ${path}`).join("\n")}
}
`;

/** What the initrd is made by. */
export function initrdRecipe(firstBoot: FirstBoot): readonly TreeFile[] {
  const files = of(allInitrdFiles, firstBoot);
  return [
    { path: "/etc/dracut.conf.d/80-image.conf", content: dracutConfig(firstBoot) },
    { path: `${here}/module-setup.sh`, mode: "0755", content: moduleSetup(files) },
    ...files.map(({ mode, content }, index) => ({ path: `${here}/${index}`, ...(mode && { mode }), content })),
  ];
}
