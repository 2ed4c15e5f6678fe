import { readdirSync } from "node:fs";
import { readKey } from "openpgp";
import { describe, expect, it } from "vitest";
import { digestText, GuestDraft, type CloudImageOptions, type FetchImage, type IgnitionEvent, type ImageQuery, type ImageSource, type TrustedKey } from "glowplug";
import { contractOf } from "glowplug/testing";
import { foreignHost } from "../../../core/host.ts";
import almalinux from "../../../plugins/images/almalinux.ts";
import { keys as almalinuxKeys } from "../../../plugins/images/almalinux/keys.ts";
import alpine from "../../../plugins/images/alpine.ts";
import archlinux from "../../../plugins/images/archlinux.ts";
import centosStream from "../../../plugins/images/centos-stream.ts";
import debian from "../../../plugins/images/debian.ts";
import { keys as fcosKeys } from "../../../plugins/images/fcos/keys.ts";
import fedoraCloud from "../../../plugins/images/fedora-cloud.ts";
import { keys as fedoraKeys } from "../../../plugins/images/fedora-cloud/keys.ts";
import flatcar from "../../../plugins/images/flatcar.ts";
import opensuseLeap from "../../../plugins/images/opensuse-leap.ts";
import { keys as opensuseKeys } from "../../../plugins/images/opensuse-leap/keys.ts";
import rocky from "../../../plugins/images/rocky.ts";
import ubuntu from "../../../plugins/images/ubuntu.ts";
import { keys as ubuntuKeys } from "../../../plugins/images/ubuntu/keys.ts";
import { networkOf } from "../../support/network.ts";
import { madeUp, publishedImage, publishers } from "../../support/publishers.ts";

type Make = (options?: CloudImageOptions) => ImageSource;

/** Every image of the catalogue, with its login user, and the key that signs what its checksum is read from. */
const catalogue: Readonly<Record<string, { readonly make: Make; readonly user: string; readonly key?: TrustedKey; readonly firstBoot?: "ignition" }>> = {
  almalinux: { make: almalinux, user: "almalinux", key: almalinuxKeys["10"] as TrustedKey },
  alpine: { make: alpine, user: "alpine" },
  archlinux: { make: archlinux, user: "arch" },
  "centos-stream": { make: centosStream, user: "cloud-user" },
  debian: { make: debian, user: "debian" },
  "fedora-cloud": { make: fedoraCloud, user: "fedora", key: fedoraKeys["44"] as TrustedKey },
  flatcar: { make: flatcar, user: "core", firstBoot: "ignition" },
  "opensuse-leap": { make: opensuseLeap, user: "opensuse", key: opensuseKeys[0] as TrustedKey },
  rocky: { make: rocky, user: "rocky" },
  ubuntu: { make: ubuntu, user: "ubuntu", key: ubuntuKeys[0] as TrustedKey },
};
const entries = Object.entries(catalogue).map(([name, entry]) => ({ name, ...entry }));

/** A launcher's question on a host, and the publisher's servers. */
function queryOf(name: string, host: string, changes: Readonly<Record<string, string | undefined>> = {}): ImageQuery & { readonly asked: readonly string[] } {
  const facts = foreignHost(host);
  const texts = Object.fromEntries(Object.entries({ ...publishers[name], ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const vfkit = host.startsWith("darwin");
  return { host: facts, arch: facts.arch, platforms: vfkit ? ["applehv"] : ["qemu"], formats: vfkit ? ["raw"] : ["qcow2", "raw"], folder: "/project", ...networkOf(texts) };
}
const make = (name: string): Make => catalogue[name]?.make as Make;

it("the catalogue is whole", () => {
  const others = ["debian-bootstrap", "fcos", "file", "oci"];
  expect(readdirSync(new URL("../../../plugins/images/", import.meta.url)).flatMap((file) => /^(.+)\.ts$/.exec(file)?.[1] ?? []).sort()).toEqual([...Object.keys(catalogue), ...others].sort());
});

describe.each(entries)("$name", ({ name, make: image, user, key, firstBoot = "cloud-init" }) => {
  for (const { title, run } of contractOf("image", () => image(), { texts: publishers[name] ?? {} })) it(title, run);

  it("is for its own login user, and speaks its first-boot language", () => expect(image()).toMatchObject({ name, role: "image", user, firstBoot }));

  it(key ? "is signed by its publisher's key" : "is not said to be signed", async () => {
    const { checksums, signature } = (await image().locate(queryOf(name, "linux/amd64"))) as FetchImage;
    expect(checksums?.signature && { fingerprint: checksums.signature.fingerprint, owner: checksums.signature.owner }).toEqual(key && { fingerprint: key.fingerprint, owner: key.owner });
    expect(signature).toBeUndefined();
  });

  it("has no page that can be another, be empty or be missing without its address being told", async () => {
    const query = queryOf(name, "linux/amd64");
    await image().locate(query);
    expect(query.asked.length).toBeGreaterThanOrEqual(2);
    for (const address of query.asked) {
      for (const text of ["<!DOCTYPE html>\n<html><title>Log in</title></html>", "", "{}", "[]", "[{}]", "null", '{"products":{"a":null,"b":{"arch":"amd64","versions":[]}}}', "FLATCAR_VERSION=x"]) {
        await expect(image().locate(queryOf(name, "linux/amd64", { [address]: text })), `${address} says ${text}`).rejects.toMatchObject({
          code: "bad-image", plugin: name, message: expect.stringMatching(new RegExp(`^${address.replace(/[.?+*]/g, "\\$&")} `)), hint: expect.stringContaining("Open the address in a browser"),
        });
      }
      await expect(image().locate(queryOf(name, "linux/amd64", { [address]: undefined }))).rejects.toMatchObject({ code: "download", message: expect.stringContaining(address) });
    }
  });

  it("tells which releases there are when one is wished that is not there", async () => {
    const error: unknown = await Promise.resolve(image({ release: "99.99" }).locate(queryOf(name, "linux/amd64"))).catch((reason: unknown) => reason);
    // Where a release has its own folder, that is asked for at once.
    if (["alpine", "flatcar", "opensuse-leap"].includes(name)) expect(error).toMatchObject({ code: "download", message: expect.stringContaining("99.99") });
    else expect(error).toMatchObject({ code: "not-found", plugin: name, message: expect.stringMatching(/ has no release 99\.99: https:\/\/\S+ has \d/), hint: expect.stringMatching(/./) });
  });

  it("is there for the architectures that its publisher builds for, and says so for others", async () => {
    await expect(Promise.resolve().then(() => image().locate({ ...queryOf(name, "linux/amd64"), arch: "riscv64" as never }))).rejects.toMatchObject({
      code: "unsupported-host", plugin: name, message: expect.stringMatching(/ has no cloud image for riscv64; it has some for x86_64/), hint: "Choose another image for such a machine.",
    });
  });
});

describe("the real images of July 2026", () => {
  it.each<[name: string, options: CloudImageOptions, host: string, distro: string, word: string, release: string]>([
    ["debian", {}, "linux/amd64", "debian-13", "genericcloud", "13:20260712-2537"],
    ["debian", {}, "linux/arm64", "debian-13", "genericcloud", "13:20260712-2537"],
    ["debian", { release: "13", build: "20260712-2537" }, "darwin/arm64", "debian-13", "genericcloud", "13:20260712-2537"],
    ["debian", { release: "trixie" }, "darwin/amd64", "debian-13", "genericcloud", "13:20260712-2537"],
    ["ubuntu", {}, "linux/amd64", "ubuntu-26.04", "server", "26.04:20260720"],
    ["ubuntu", {}, "darwin/arm64", "ubuntu-26.04", "server", "26.04:20260720"],
    ["ubuntu", { release: "24.04" }, "linux/amd64", "ubuntu-24.04", "server", "24.04:20260705"],
    ["ubuntu", { release: "24.04", build: "20260705" }, "linux/arm64", "ubuntu-24.04", "server", "24.04:20260705"],
    ["ubuntu", { stream: "minimal" }, "linux/amd64", "ubuntu-26.04", "minimal", "26.04:20260717"],
    ["ubuntu", { stream: "minimal", release: "noble" }, "linux/arm64", "ubuntu-24.04", "minimal", "24.04:20260716"],
    ["fedora-cloud", {}, "linux/amd64", "fedora-44", "", "44:1.7"],
    ["fedora-cloud", { release: "44" }, "darwin/arm64", "fedora-44", "", "44:1.7"],
    ["centos-stream", {}, "linux/amd64", "centos-stream-10", "", "10:20260720.0"],
    ["centos-stream", { release: "10" }, "darwin/arm64", "centos-stream-10", "", "10:20260720.0"],
    ["almalinux", {}, "linux/amd64", "almalinux-10", "", "10.2:20260526.0"],
    ["almalinux", { release: "10" }, "linux/arm64", "almalinux-10", "", "10.2:20260526.0"],
    ["rocky", {}, "linux/amd64", "rocky-10", "", "10.2:20260525.0"],
    ["rocky", { release: "10.2", build: "20260525.0" }, "darwin/arm64", "rocky-10", "", "10.2:20260525.0"],
    ["alpine", {}, "darwin/amd64", "alpine-3.23", "", "3.23.4:0"],
    ["alpine", { release: "3.23" }, "linux/arm64", "alpine-3.23", "", "3.23.4:0"],
    ["alpine", { release: "3.23.4", build: "0" }, "darwin/arm64", "alpine-3.23", "", "3.23.4:0"],
    ["archlinux", {}, "linux/amd64", "archlinux", "", "20260715.556894"],
    ["archlinux", { release: "20260715.556894" }, "darwin/amd64", "archlinux", "", "20260715.556894"],
  ])("%s with %j on %s is %s %s", async (name, options, host, distro, word, release) => {
    const query = queryOf(name, host);
    const real = publishedImage(distro, query.arch, word);
    const located = (await make(name)(options).locate(query)) as FetchImage;
    expect({ ...located, digest: digestText(located.digest as never) }).toMatchObject({ kind: "fetch", url: real.url, digest: real.digest, release, format: "qcow2", compression: "none" });
  });
});

describe("an image can be told", () => {
  it.each<[name: string, options: CloudImageOptions, host: string, file: string, digit: string]>([
    ["debian", { release: "13", build: "20260601-2496" }, "linux/amd64", "trixie/20260601-2496/debian-13-genericcloud-amd64-20260601-2496.qcow2", "6"],
    ["debian", { release: "12" }, "linux/arm64", "bookworm/20260706-2531/debian-12-genericcloud-arm64-20260706-2531.qcow2", "7"],
    ["ubuntu", { release: "24.04", build: "20260601" }, "linux/amd64", "releases/noble/release-20260601/ubuntu-24.04-server-cloudimg-amd64.img", "8"],
    ["ubuntu", { release: "26.10" }, "linux/amd64", "releases/stonking/release-20260101/ubuntu-26.10-server-cloudimg-amd64.img", "9"],
    ["fedora-cloud", { release: "43" }, "linux/arm64", "releases/43/Cloud/aarch64/images/Fedora-Cloud-Base-Generic-43-1.6.aarch64.qcow2", "b"],
    ["centos-stream", { release: "9" }, "linux/amd64", "9-stream/x86_64/images/CentOS-Stream-GenericCloud-9-20260713.0.x86_64.qcow2", "d"],
    ["centos-stream", { release: "10", build: "20260701.1" }, "linux/arm64", "10-stream/aarch64/images/CentOS-Stream-GenericCloud-10-20260701.1.aarch64.qcow2", "c"],
    ["almalinux", { release: "9" }, "linux/amd64", "9.8/cloud/x86_64/images/AlmaLinux-9-GenericCloud-9.8-20260522.x86_64.qcow2", "2"],
    ["rocky", { release: "9" }, "linux/arm64", "9.8/images/aarch64/Rocky-9-GenericCloud-Base-9.8-20260526.0.aarch64.qcow2", "3"],
    ["opensuse-leap", {}, "linux/amd64", "leap/16.0/appliances/Leap-16.0-Minimal-VM.x86_64-Cloud-Build18.7.qcow2", "4"],
    ["opensuse-leap", { release: "16.0", build: "16.2" }, "darwin/arm64", "leap/16.0/appliances/Leap-16.0-Minimal-VM.aarch64-Cloud-Build16.2.qcow2", "5"],
    ["opensuse-leap", { release: "15.6" }, "linux/arm64", "leap/15.6/appliances/openSUSE-Leap-15.6-Minimal-VM.aarch64-15.6.0-Cloud-Build16.37.qcow2", "6"],
    ["alpine", {}, "linux/amd64", "v3.23/releases/cloud/nocloud_alpine-3.23.4-x86_64-bios-cloudinit-r0.qcow2", "4"],
    ["alpine", { release: "3.23.3" }, "linux/amd64", "v3.23/releases/cloud/nocloud_alpine-3.23.3-x86_64-bios-cloudinit-r0.qcow2", "3"],
    ["alpine", { release: "3.24" }, "linux/arm64", "v3.24/releases/cloud/generic_alpine-3.24.1-aarch64-uefi-cloudinit-r0.qcow2", "e"],
    ["archlinux", { release: "20260701.551230" }, "linux/amd64", "v20260701.551230/Arch-Linux-x86_64-cloudimg-20260701.551230.qcow2", "1"],
    ["flatcar", {}, "linux/amd64", "https://stable.release.flatcar-linux.net/amd64-usr/4593.2.4/flatcar_production_qemu_image.img", "f"],
    ["flatcar", {}, "darwin/arm64", "https://stable.release.flatcar-linux.net/arm64-usr/4593.2.4/flatcar_production_qemu_uefi_image.img", "f"],
    ["flatcar", { stream: "beta" }, "linux/amd64", "https://beta.release.flatcar-linux.net/amd64-usr/4628.1.0/flatcar_production_qemu_image.img", "f"],
    ["flatcar", { release: "4081.3.6" }, "linux/amd64", "https://lts.release.flatcar-linux.net/amd64-usr/4081.3.6/flatcar_production_qemu_image.img", "f"],
  ])("%s with %j on %s", async (name, options, host, file, digit) => {
    const located = (await make(name)(options).locate(queryOf(name, host))) as FetchImage;
    expect(located.url).toMatch(new RegExp(`^https://\\S+${file.replace(/^https:\/\//, "").replace(/[.+]/g, "\\$&")}$|^${file}$`));
    expect(located.digest).toMatchObject({ hex: madeUp(digit, located.digest !== "waived" && located.digest.algorithm === "sha512" ? 128 : 64) });
  });

  it("by its line: Debian's generic kernel", async () => {
    expect(await debian({ stream: "generic" }).locate(queryOf("debian", "linux/amd64"))).toMatchObject({ url: "https://cloud.debian.org/images/cloud/trixie/20260712-2537/debian-13-generic-amd64-20260712-2537.qcow2" });
    expect(() => debian({ stream: "nocloud" })).toThrowError(expect.objectContaining({ code: "bad-spec", message: 'debian has no stream "nocloud"', hint: "Streams are genericcloud, generic." }));
  });

  it("Arch Linux has none for aarch64", async () => {
    await expect(Promise.resolve().then(() => archlinux().locate(queryOf("archlinux", "darwin/arm64")))).rejects.toMatchObject({ code: "unsupported-host", message: "Arch Linux has no cloud image for aarch64; it has some for x86_64" });
  });
});

describe("mirrors that publishers name", () => {
  it.each([
    ["debian", "https://cdimage.debian.org/images/cloud/trixie/20260712-2537/debian-13-genericcloud-amd64-20260712-2537.qcow2"],
    ["fedora-cloud", "https://dl.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-44-1.7.x86_64.qcow2"],
    ["rocky", "https://download.rockylinux.org/pub/rocky/10.2/images/x86_64/Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2"],
    ["opensuse-leap", "https://downloadcontentcdn.opensuse.org/distribution/leap/16.0/appliances/Leap-16.0-Minimal-VM.x86_64-Cloud-Build18.7.qcow2"],
    ["archlinux", "https://fastly.mirror.pkgbuild.com/images/v20260715.556894/Arch-Linux-x86_64-cloudimg-20260715.556894.qcow2"],
  ])("%s", async (name, mirror) => expect(await make(name)().locate(queryOf(name, "linux/amd64"))).toMatchObject({ mirrors: [mirror] }));
});

describe("a disk's own signature", () => {
  const key = fedoraKeys["44"] as TrustedKey;
  it.each([
    ["alpine", "nocloud_alpine-3.23.4-x86_64-bios-cloudinit-r0.qcow2.asc"], ["archlinux", "Arch-Linux-x86_64-cloudimg-20260715.556894.qcow2.sig"], ["flatcar", "flatcar_production_qemu_image.img.sig"],
  ])("of %s is checked once its key is named", async (name, file) => {
    const { signature } = (await make(name)({ keys: [key] }).locate(queryOf(name, "linux/amd64"))) as FetchImage;
    expect(signature).toEqual({ url: expect.stringMatching(new RegExp(`/${file.replace(/[.+]/g, "\\$&")}$`)), keys: [key] });
  });
});

describe("a release that is signed by a key which is not known here", () => {
  const later = "https://download.fedoraproject.org/pub/fedora/linux/releases/48/Cloud/x86_64/images/";
  const list = JSON.stringify([{ version: "48", arch: "x86_64", link: `${later}Fedora-Cloud-Base-Generic-48-1.1.x86_64.qcow2` }]);
  const query = () => queryOf("fedora-cloud", "linux/amd64", { "https://fedoraproject.org/releases.json": list, [`${later}Fedora-Cloud-48-1.1-x86_64-CHECKSUM`]: `SHA256 (Fedora-Cloud-Base-Generic-48-1.1.x86_64.qcow2) = ${madeUp("1")}\n` });

  it("is refused, unless one does without", async () => {
    await expect(fedoraCloud().locate(query())).rejects.toMatchObject({ code: "signature", plugin: "fedora-cloud", message: "Fedora Cloud 48 is signed by a key that is not known here", hint: expect.stringContaining('the option "keys"') });
    expect(await fedoraCloud({ keys: [] }).locate(query())).toMatchObject({ release: "48:1.1", digest: { hex: madeUp("1") } });
  });
});

describe("the keys that come with the plugins", () => {
  const all = [...Object.values(fedoraKeys), ...Object.values(almalinuxKeys), ...opensuseKeys, ...ubuntuKeys];
  it.each(all.map((key) => [key.owner, key] as const))("%s is what it says", async (owner, { armored, fingerprint }) => {
    const key = await readKey({ armoredKey: armored });
    expect([key.getFingerprint().toUpperCase(), key.getUserIDs()]).toEqual([fingerprint, [owner]]);
    expect(key.isPrivate()).toBe(false);
  });

  it("of Fedora are the same for both of its images", () => expect(fcosKeys).toEqual(fedoraKeys));
});

it("Flatcar does not update itself", () => {
  const guest = new GuestDraft({ hostname: "box", ready: { kind: "virtio-port", name: "ready" } });
  void flatcar().ignition?.({ guest } as IgnitionEvent);
  expect(guest.units.map(({ name, mask }) => ({ name, mask }))).toEqual([{ name: "update-engine.service", mask: true }, { name: "locksmithd.service", mask: true }]);
});
