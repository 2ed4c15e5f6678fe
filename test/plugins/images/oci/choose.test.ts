import { describe, expect, it } from "vitest";
import { chooseEntry } from "../../../../plugins/images/oci/choose.ts";
import type { Descriptor } from "../../../../plugins/images/oci/document.ts";

/** "OS/ARCH DISKTYPE"; "any" for a part that is not told. */
function entryOf(words: string): Descriptor {
  const [platform = "", disktype] = words.split(" ");
  const [os, architecture] = platform.split("/");
  return {
    mediaType: "", digest: words, annotations: disktype === undefined ? {} : { disktype },
    ...(os !== "any" && os !== undefined && { os }), ...(architecture !== "any" && architecture !== undefined && { architecture }),
  };
}
const choose = (entries: readonly string[], arch: "x86_64" | "aarch64" | "s390x", platforms: readonly string[]): string => chooseEntry(entries.map(entryOf), "it", { arch, platforms }).digest;
const machineOs = ["linux/amd64", "linux/arm64", "linux/x86_64 applehv", "linux/aarch64 applehv", "linux/x86_64 qemu", "linux/aarch64 qemu"];

describe("the disk of an index", () => {
  it.each<[readonly string[], "x86_64" | "aarch64" | "s390x", readonly string[], string]>([
    [machineOs, "x86_64", ["qemu"], "linux/x86_64 qemu"],
    [machineOs, "aarch64", ["qemu"], "linux/aarch64 qemu"],
    [machineOs, "aarch64", ["applehv", "qemu"], "linux/aarch64 applehv"],
    [machineOs, "x86_64", ["hyperv", "qemu"], "linux/x86_64 qemu"],
    [["linux/amd64 qemu", "linux/arm64 qemu"], "aarch64", ["qemu"], "linux/arm64 qemu"],
    [["linux/s390x qemu"], "s390x", ["qemu"], "linux/s390x qemu"],
    [["windows/amd64 qemu", "linux/amd64 qemu"], "x86_64", ["qemu"], "linux/amd64 qemu"],
    [["linux/amd64", "linux/arm64", "unknown/unknown"], "aarch64", ["qemu"], "linux/arm64"],
    [["any/any"], "x86_64", ["qemu"], "any/any"],
  ])("%j for %s on %j is %s", (entries, arch, platforms, expected) => expect(choose(entries, arch, platforms)).toBe(expected));

  it.each<[readonly string[], "x86_64" | "aarch64" | "s390x", readonly string[], string]>([
    [machineOs, "s390x", ["qemu"], "it has nothing for linux/s390x; it has linux/aarch64, linux/amd64, linux/arm64, linux/x86_64"],
    [["windows/amd64 qemu"], "x86_64", ["qemu"], "it has nothing for linux/x86_64; it has windows/amd64"],
    [[], "x86_64", ["qemu"], "it has nothing for linux/x86_64; it has nothing at all"],
    [machineOs, "x86_64", ["hyperv", "raw"], "it has no disk for hyperv or raw on x86_64; it has applehv, qemu"],
    [["linux/amd64 wsl", "linux/amd64"], "x86_64", ["qemu"], "it has no disk for qemu on x86_64; it has wsl"],
    [["linux/amd64", "linux/x86_64"], "x86_64", ["qemu"], "it has 2 images for x86_64, and none is marked as a disk"],
  ])("%j has none for %s on %j", (entries, arch, platforms, message) => {
    expect(() => choose(entries, arch, platforms)).toThrowError(expect.objectContaining({ code: "bad-image", plugin: "oci", message, hint: expect.stringMatching(/./) }));
  });
});
