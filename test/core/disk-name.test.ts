import { expect, test } from "vitest";
import { readDiskName } from "../../core/disk-name.ts";

test.each<[string, ReturnType<typeof readDiskName>]>([
  ["podman-machine.x86_64.qemu.qcow2.zst", { format: "qcow2", compression: "zst" }],
  ["disk.RAW.GZ", { format: "raw", compression: "gz" }],
  ["noble.img", { format: "qcow2", compression: "none" }],
  ["disk.vmdk.bz2", { format: "vmdk", compression: "bz2" }],
  ["disk.vhdx.zip", { format: "vhdx", compression: "zip" }],
  ["disk.xz", { compression: "xz" }],
  ["qcow2", { compression: "none" }],
  ["a.constructor", { compression: "none" }],
  ["a.tar.gz", { compression: "gz" }],
  ["", { compression: "none" }],
])("the name %j tells its format and its compression", (name, expected) => expect(readDiskName(name)).toEqual(expected));
