/** Drivers that find and read the root disk, whatever bus it is on, and the one that carries Ignition's config. */
const drivers = [
  "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_console", "virtio_rng", "qemu_fw_cfg", "sd_mod", "sr_mod", "ahci", "ata_piix", "nvme",
  "ext4", "crc32c_generic", "crc32c_intel",
];

/** Parts of dracut in the initrd; a full one is three times as large and slower to start. */
const parts = ["bash", "systemd", "systemd-initrd", "udev-rules", "base", "fs-lib", "rootfs-block", "dracut-systemd", "ignition"];

/** dracut's configuration in the guest. */
export const dracutConfig = [
  "hostonly=no", "early_microcode=no", "show_modules=no", "do_strip=no", "do_hardlink=no", "use_fstab=no", "ro_mnt=no",
  `dracutmodules+=" ${parts.join(" ")} "`,
  `add_drivers+=" ${drivers.join(" ")} "`,
  `filesystems+=" ext4 "`,
  `compress="zstd -6"`,
  "",
].join("\n");
