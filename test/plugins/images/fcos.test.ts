import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GuestDraft, type IgnitionEvent, type ImageQuery } from "glowplug";
import { networkOf } from "../../support/network.ts";
import { foreignHost } from "../../../core/host.ts";
import fcos, { type FcosOptions } from "../../../plugins/images/fcos.ts";
import { keys } from "../../../plugins/images/fcos/keys.ts";

const published = "https://builds.coreos.fedoraproject.org";
const streamText = (stream: string): string => readFileSync(new URL(`../../fixtures/streams/${stream}.json`, import.meta.url), "utf8");

/** A launcher's question, and a server with these files; every other address is told to be missing. */
function queryOf(host: string, platform: string, files: Readonly<Record<string, string>> = {}): ImageQuery & { readonly asked: readonly string[] } {
  const facts = foreignHost(host);
  const formats = platform === "applehv" ? ["raw" as const] : ["qcow2" as const, "raw" as const];
  return { host: facts, arch: facts.arch, platforms: [platform], formats, folder: "/project", ...networkOf(files) };
}
const streams = Object.fromEntries(["stable", "testing", "next"].map((stream) => [`${published}/streams/${stream}.json`, streamText(stream)]));
const sha256 = (hex: string) => ({ algorithm: "sha256", hex });

describe("the newest release of a stream", () => {
  it.each([
    ["stable", "linux/amd64", "qemu", "44.20260707.3.1", "qemu.x86_64.qcow2.xz", "35eb8e1f601b2b65545402df54b2dbb2a48e75f1d4483de5dc575d020ddefa1e", "231a74024e12e5a9b2e7fa64ec948d51986b70f3735cdf68fadcaba095ceb18d"],
    ["stable", "linux/arm64", "qemu", "44.20260707.3.1", "qemu.aarch64.qcow2.xz", "2877b34cc4572f2e3f3027ad056f7bd89f5069a540f3a6a8785108f695297883", "f3a409bae113474cc331afab05ac3a964c44315cd5c5eb44bcf43d54cca2c38b"],
    ["stable", "linux/ppc64le", "qemu", "44.20260707.3.1", "qemu.ppc64le.qcow2.xz", "23a7881b6b747cdf5f56c45759922f3822b591f89fecc71909cbde47a1e9d010", "cd3540ec501d490730e94c8a24a3aefea4cf27fcde70aad19e677152849057b6"],
    ["stable", "linux/s390x", "qemu", "44.20260707.3.1", "qemu.s390x.qcow2.xz", "206011aaaebca2d89bc3ec3e1eb812880e7b98f0e1c2b695856a18564581969f", "fc2ac4cf733e8fc90ad0c60790e2d65a365ea5a9a5108de227186b7afc6b1dc8"],
    ["stable", "darwin/amd64", "applehv", "44.20260707.3.1", "applehv.x86_64.raw.gz", "dcc88b8546c7a5284e4dbef059988b49c9d6cb1058b72eddfa802f983dffef67", "e26680193382b1f4b02cb4ceae053c4a6f626163b12833edec5d2706c39a09da"],
    ["stable", "darwin/arm64", "applehv", "44.20260707.3.1", "applehv.aarch64.raw.gz", "6393ddcc0cd405d6a102e64d0dfeb1019854b4f4476de10d1f20cfc573f910a8", "445d97cbda5ebd956ef649fbabab9a4732c91382ecc017ef01fbfe7b1483c001"],
    ["testing", "linux/amd64", "qemu", "44.20260720.2.1", "qemu.x86_64.qcow2.xz", "06ce1a24e930ad2fd5057e2fc65c2da4e48881f1e5ce79e3879cbf11def817a3", "f6bccf4d0daac72ba5f611054efc1f967a1b08f09d0517fc4f72133a54971d0b"],
    ["testing", "linux/arm64", "qemu", "44.20260720.2.1", "qemu.aarch64.qcow2.xz", "06df1793babc235cbe9e8e0b4a00f3eff04e43c09689a1a8327f7f9c12a1e575", "834e62886284d21232fd135ee980632fc888e44a031e7344332ec679ee3f4c60"],
    ["testing", "linux/ppc64le", "qemu", "44.20260720.2.1", "qemu.ppc64le.qcow2.xz", "79d16f107c2ed1c441d4ffba2396bf215ef0890f3aa0a5c00c01074a60703cc8", "0dfc444d8b7c9ea943ab659392f81617409553e94021352e9c60213eaa03dd36"],
    ["testing", "linux/s390x", "qemu", "44.20260720.2.1", "qemu.s390x.qcow2.xz", "4ea422baba2bf711e71e06d08b6a13ed8e386835a82c552c147a0192b89495b7", "64386e5d1798155316e64e482c1d9560a5726d68d74c9a3aa0da8a13f3adb30f"],
    ["testing", "darwin/amd64", "applehv", "44.20260720.2.1", "applehv.x86_64.raw.gz", "8b21a8f8d69f13984733ecdeee0f57a39cd29e31e3f76fbad38107bb7d407b58", "42e6ac1ab337e8138c826fef8023aec3cd12cf8a94c84f15501fd053af7c8c9b"],
    ["testing", "darwin/arm64", "applehv", "44.20260720.2.1", "applehv.aarch64.raw.gz", "486bdd030050c3343393531c3ff72e24a20287dadf6ac0a07eb4e68aaf19d8c6", "528b753e4e5bfadb04fb00e39885bd50c37d7c3ba2ad1e64a644f4f866fca2da"],
    ["next", "linux/amd64", "qemu", "44.20260720.1.1", "qemu.x86_64.qcow2.xz", "d05460e9149a78468d3146eab5dc13d066800a8bd6d51b08383a3a7c38e87fec", "140647344146134f18e2de1ad706fcdec2d55c107273533c429bf0f5178c0076"],
    ["next", "linux/arm64", "qemu", "44.20260720.1.1", "qemu.aarch64.qcow2.xz", "81046efe1680e1a99b302c7007256388def250d69f672551820fcccfc154fe64", "d43390267dbbd2236aa75eb54e5d90127ecdb9e3a751b7e07e261f54df5ee991"],
    ["next", "linux/ppc64le", "qemu", "44.20260720.1.1", "qemu.ppc64le.qcow2.xz", "db94e44ed651e3cde9efe03051592e0fd1acca1e758f11b81b14ee7321e0e455", "6321fc521a8f324597c797a38ed24044cf2e074f4f8a44879fda7604114ce0f8"],
    ["next", "linux/s390x", "qemu", "44.20260720.1.1", "qemu.s390x.qcow2.xz", "6d03409e10e3be21c5da13992159d94b14eeb44104e6031fac5f458c8b78c9e7", "56f5807f8e14bb1d7a1149e57e3ea653f873c480a460adedaac4e8c5c9bee7e3"],
    ["next", "darwin/amd64", "applehv", "44.20260720.1.1", "applehv.x86_64.raw.gz", "b2b589c287233c1013990f6f1d59eb0c15b815627a5529bf673819553eabc211", "621bc61488805ab743037cfed10726b010cc1521317a345942fe2048eae78512"],
    ["next", "darwin/arm64", "applehv", "44.20260720.1.1", "applehv.aarch64.raw.gz", "67c4a382ce770df1cf8fb82090a4d37f0ea1fe8c2db656d02410488464096804", "b3e9100054c591e17ca4a5c6116e8a9e2ecd227e5916a19d966d29cb3fb4bf76"],
  ] as const)("%s for %s on %s is %s", async (stream, host, platform, release, ending, digest, resultDigest) => {
    const query = queryOf(host, platform, streams);
    const [, arch, format, compression] = ending.split(".");
    expect(await fcos({ stream }).locate(query)).toEqual({
      kind: "fetch", title: `Fedora CoreOS ${release} (${stream})`, release, format, compression, digest: sha256(digest), resultDigest: sha256(resultDigest),
      url: `${published}/prod/streams/${stream}/builds/${release}/${arch}/fedora-coreos-${release}-${ending}`,
      signature: { url: `${published}/prod/streams/${stream}/builds/${release}/${arch}/fedora-coreos-${release}-${ending}.sig`, keys: [keys["44"]] },
    });
    expect(query.asked).toEqual([`${published}/streams/${stream}.json`]);
  });

  it("is stable's, unless told otherwise", async () => {
    expect(await fcos().locate(queryOf("linux/amd64", "qemu", streams))).toMatchObject({ title: "Fedora CoreOS 44.20260707.3.1 (stable)" });
  });

  it.each(["http://mirror.test/streams", "http://mirror.test/streams/"])("may be named by another server: %s", async (url) => {
    const query = queryOf("linux/amd64", "qemu", { "http://mirror.test/streams/next.json": streamText("next") });
    expect(await fcos({ stream: "next", url }).locate(query)).toMatchObject({ release: "44.20260720.1.1" });
  });
});

describe("the disk of a release", () => {
  const x86 = "architectures.x86_64.artifacts";
  const offer = (location: string) => ({ disk: { location, sha256: "a".repeat(64) } });

  it("is for the first of the launcher's platforms that is there, in the first of its formats that is there", async () => {
    const artifacts = { b: { release: "1", formats: { iso: offer("http://x/iso"), "raw.xz": offer("http://x/raw"), qcow2: offer("http://x/qcow2") } }, c: { release: "1", formats: { qcow2: offer("http://x/c") } } };
    const query = queryOf("linux/amd64", "", { [`${published}/streams/stable.json`]: JSON.stringify({ architectures: { x86_64: { artifacts } } }) });
    const chosen = async (platforms: string[], formats: ("qcow2" | "raw")[]) => fcos({ keys: [] }).locate({ ...query, platforms, formats });
    expect(await chosen(["a", "b", "c"], ["qcow2", "raw"])).toEqual({ kind: "fetch", title: "Fedora CoreOS 1 (stable)", release: "1", url: "http://x/qcow2", digest: sha256("a".repeat(64)), format: "qcow2", compression: "none" });
    expect(await chosen(["b"], ["raw", "qcow2"])).toMatchObject({ url: "http://x/raw", format: "raw", compression: "xz" });
    expect(await chosen(["c"], ["raw"])).toMatchObject({ url: "http://x/c", format: "qcow2" });
  });

  /** The real metadata with one thing changed, by its way down. */
  function changed(path: string, value: unknown): string {
    const steps = path.split(/\.(?!xz)/);
    const last = steps.pop() ?? "";
    const metadata = JSON.parse(streamText("stable")) as Record<string, unknown>;
    const parent = steps.reduce((object, step) => object[step] as Record<string, unknown>, metadata);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
    return JSON.stringify(metadata);
  }
  const disk = `${x86}.qemu.formats.qcow2.xz.disk`;
  const another = "Something else may have answered in Fedora's place, a proxy or a login page; open the address in a browser.";

  it.each([
    ["a page", "<!DOCTYPE html>\n<html lang=\"en\"><title>Log in</title>", "is no metadata of Fedora CoreOS: expected JSON, found text that begins with \"<!DOCTYPE html>\"", another],
    ["nothing", " \n", "is no metadata of Fedora CoreOS: expected JSON, found nothing", another],
    ["a list", "[]", "is no metadata of Fedora CoreOS: expected a JSON object, found a list", another],
    ["null", "null", "is no metadata of Fedora CoreOS: expected a JSON object, found null", another],
    ["no architectures", changed("architectures", undefined), 'is no metadata of Fedora CoreOS: expected an object "architectures", found none', another],
    ["architectures that are text", changed("architectures", "x86_64"), 'is no metadata of Fedora CoreOS: expected an object "architectures", found a string', another],
    ["no such architecture", changed("architectures.x86_64", undefined), "has nothing for x86_64; it has aarch64, ppc64le, s390x", "Choose another stream or image."],
    ["an empty architecture", changed("architectures.x86_64", {}), 'is no metadata of Fedora CoreOS: expected an object "artifacts", found none', another],
    ["no such platform", changed(x86, { metal: { formats: { iso: { disk: {} }, "raw.xz": { disk: {} } } }, aws: { formats: { "vmdk.xz": { disk: {} } } } }), "offers no disk that fits: for x86_64 expected a disk for qemu, found metal, aws", "Choose another launcher, release or image."],
    ["no platform at all", changed(x86, {}), "offers no disk that fits: for x86_64 expected a disk for qemu, found none", "Choose another launcher, release or image."],
    ["a platform that is no object", changed(`${x86}.qemu`, 7), /^offers no disk that fits: for x86_64 expected a disk for qemu, found aliyun, applehv, /, "Choose another launcher, release or image."],
    ["no format that fits", changed(`${x86}.qemu.formats`, { ova: { disk: {} }, "4k.raw.xz": { disk: {} } }), "offers no disk that fits: for x86_64 expected a qcow2 or raw disk, packed with gz, xz, zst, bz2 or not, found qemu as ova, qemu as 4k.raw.xz", "Choose another launcher, release or image."],
    ["no address", changed(`${disk}.location`, undefined), "describes its qemu disk (qcow2.xz) wrongly: expected an http or https URL as location, found nothing", /later/],
    ["an address of a file", changed(`${disk}.location`, "file:///etc/passwd"), 'describes its qemu disk (qcow2.xz) wrongly: expected an http or https URL as location, found "file:///etc/passwd"', /later/],
    ["no signature", changed(`${disk}.signature`, undefined), "describes its qemu disk (qcow2.xz) wrongly: expected an http or https URL as signature, found nothing", /later/],
    ["a signature that is a file", changed(`${disk}.signature`, "file:///sig"), 'describes its qemu disk (qcow2.xz) wrongly: expected an http or https URL as signature, found "file:///sig"', /later/],
    ["no checksum", changed(`${disk}.sha256`, undefined), "describes its qemu disk (qcow2.xz) wrongly: expected 64 hexadecimal digits as sha256, found nothing", /later/],
    ["half a checksum", changed(`${disk}.uncompressed-sha256`, "abc"), 'describes its qemu disk (qcow2.xz) wrongly: expected 64 hexadecimal digits as uncompressed-sha256, found "abc"', /later/],
    ["no release", changed(`${x86}.qemu.release`, 44), "describes its qemu disk (qcow2.xz) wrongly: expected a version as release, found 44", /later/],
  ])("is not to be found in metadata with %s", async (_, text, problem, hint) => {
    const address = `${published}/streams/stable.json`;
    await expect(fcos().locate(queryOf("linux/amd64", "qemu", { [address]: text }))).rejects.toMatchObject({
      code: "bad-image", plugin: "fcos", hint: typeof hint === "string" ? hint : expect.stringMatching(hint),
      message: typeof problem === "string" ? `${address} ${problem}` : expect.stringMatching(new RegExp(`^${address} ${problem.source.slice(1)}`)),
    });
  });

  it("that cannot be asked for is the server's own error", async () => {
    await expect(fcos().locate(queryOf("linux/amd64", "qemu"))).rejects.toMatchObject({ code: "download", message: `${published}/streams/stable.json could not be fetched: no text is given for it` });
  });
});

describe("a pinned release", () => {
  const hex = { packed: "1".repeat(64), disk: "2".repeat(64) };
  const folder = (server: string, stream: string, release: string, arch: string): string => `${server}/prod/streams/${stream}/builds/${release}/${arch}/`;
  /** A build's meta.json, as coreos-assembler writes it (fixtures/fcos.json there). */
  const meta = (release: string, arch: string, files: Readonly<Record<string, string>>): string => JSON.stringify({
    buildid: release, images: Object.fromEntries(Object.entries(files).map(([platform, ending]) => [platform, {
      path: `fedora-coreos-${release}-${platform}.${arch}.${ending}`, sha256: hex.packed, size: 475755272, "uncompressed-sha256": hex.disk, "uncompressed-size": 1759969280,
    }])),
  });

  it.each([
    ["44.20260707.3.1", "stable", "linux/amd64", "x86_64", "qemu", "qcow2.xz"],
    ["43.20251110.2.0", "testing", "linux/arm64", "aarch64", "qemu", "qcow2.xz"],
    ["44.20260720.1.1", "next", "darwin/arm64", "aarch64", "applehv", "raw.gz"],
  ] as const)("%s is one of %s; its build tells the checksums", async (release, stream, host, arch, platform, ending) => {
    for (const server of [published, "http://mirror.test/fcos"]) {
      const at = folder(server, stream, release, arch);
      const query = queryOf(host, platform, { [`${at}meta.json`]: meta(release, arch, { qemu: "qcow2.xz", applehv: "raw.gz", metal: "raw.xz" }) });
      const [format, compression] = ending.split(".");
      expect(await fcos({ release, ...(server !== published && { url: `${server}/streams` }) }).locate(query)).toEqual({
        kind: "fetch", title: `Fedora CoreOS ${release} (${stream})`, release, url: `${at}fedora-coreos-${release}-${platform}.${arch}.${ending}`,
        signature: { url: `${at}fedora-coreos-${release}-${platform}.${arch}.${ending}.sig`, keys: [keys[release.slice(0, 2)]] },
        digest: sha256(hex.packed), resultDigest: sha256(hex.disk), size: 475755272, format, compression,
      });
      expect(query.asked).toEqual([`${at}meta.json`]);
    }
  });

  const release = "31.20200310.3.0";
  const address = `${folder(published, "stable", release, "x86_64")}meta.json`;
  it.each([
    ["no images", "{}", 'is no metadata of Fedora CoreOS: expected an object "images", found none'],
    ["no disk for the platform", meta(release, "x86_64", { metal: "raw.xz", azure: "vhd.xz" }), "offers no disk that fits: for x86_64 expected a disk for qemu, found metal, azure"],
    ["files of another release", meta("31.20200310.3.1", "x86_64", { qemu: "qcow2.xz" }), "offers no disk that fits: for x86_64 expected a disk for qemu, found none"],
    ["a file in another folder", meta(release, "x86_64", { qemu: "/../../x.qcow2.xz" }), "offers no disk that fits: for x86_64 expected a qcow2 or raw disk, packed with gz, xz, zst, bz2 or not, found qemu as /../../x.qcow2.xz"],
  ])("is not to be found in a build with %s", async (_, text, problem) => {
    await expect(fcos({ release }).locate(queryOf("linux/amd64", "qemu", { [address]: text }))).rejects.toMatchObject({ code: "bad-image", message: `${address} ${problem}` });
  });

  it("that is gone is the server's own error", async () => {
    await expect(fcos({ release }).locate(queryOf("linux/amd64", "qemu"))).rejects.toMatchObject({ code: "download", message: `${address} could not be fetched: no text is given for it` });
  });
});

describe("a disk's signature", () => {
  const old = "38.20230609.3.0";
  const address = `${published}/prod/streams/stable/builds/${old}/x86_64/meta.json`;
  const image = { path: `fedora-coreos-${old}-qemu.x86_64.qcow2.xz`, sha256: "1".repeat(64) };
  const query = () => queryOf("linux/amd64", "qemu", { [address]: JSON.stringify({ images: { qemu: image } }) });

  it("is by a key that is known here, or the disk is refused", async () => {
    await expect(fcos({ release: old }).locate(query())).rejects.toMatchObject({
      code: "signature", plugin: "fcos", message: `Fedora CoreOS ${old} is signed by the key of Fedora 38, and those of 42 to 47 are known here`, hint: expect.stringContaining('the option "keys"'),
    });
  });

  it("may be by keys of one's own, or be done without", async () => {
    const own = { ...keys["44"], owner: "we ourselves" } as const;
    expect(await fcos({ release: old, keys: [own as never] }).locate(query())).toMatchObject({ signature: { keys: [own] } });
    expect(await fcos({ release: old, keys: [] }).locate(query())).not.toHaveProperty("signature");
  });
});

it("is for Ignition, with the user core, and does not update itself, whoever else says so", () => {
  const image = fcos();
  expect(image).toMatchObject({ name: "fcos", role: "image", firstBoot: "ignition", user: "core" });
  const guest = new GuestDraft({ hostname: "box", ready: { kind: "virtio-port", name: "ready" } });
  guest.author = "another";
  guest.unit({ name: "zincati.service", enabled: false });
  guest.author = "fcos";
  void image.ignition?.({ guest } as IgnitionEvent);
  expect(guest.units).toEqual([{ name: "zincati.service", enabled: false, by: "another" }]);
});

it.each<[object, object]>([
  [{ steam: "next" }, { code: "bad-spec", message: expect.stringContaining('fcos has no option "steam"') }],
  [{ stream: "rawhide" }, { code: "bad-image", message: 'Fedora CoreOS: there is no stream "rawhide"', hint: "Streams are stable, testing, next." }],
  [{ release: "44" }, { code: "bad-image", message: 'Fedora CoreOS: "44" is no release of a stream' }],
  [{ release: "44.20260707.20.1" }, { code: "bad-image", message: 'Fedora CoreOS: "44.20260707.20.1" is no release of a stream', hint: expect.stringContaining("1 for next, 2 for testing, 3 for stable") }],
  [{ release: "44.20260707.3.1", stream: "next" }, { code: "bad-image", message: "Fedora CoreOS: the release 44.20260707.3.1 is of the stream stable, not of next" }],
  [{ keys: ["36F6"] }, { code: "bad-spec", message: "fcos has keys that are none", hint: expect.stringContaining("{ armored, fingerprint, owner }") }],
  [{ url: "streams" }, { code: "bad-image", message: "Fedora CoreOS: the metadata's address \"streams\" is no http or https URL" }],
  [{ url: "file:///streams" }, { code: "bad-image", message: "Fedora CoreOS: the metadata's address \"file:///streams\" is no http or https URL" }],
])("refuses %j", (options, error) => {
  expect(() => fcos(options as FcosOptions)).toThrowError(expect.objectContaining(error));
});
