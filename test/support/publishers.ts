import { readFileSync } from "node:fs";

/** A real image: where it was published, and its checksum. */
export interface PublishedImage {
  readonly distro: string;
  readonly arch: string;
  readonly url: string;
  /** "sha256:HEX". */
  readonly digest: string;
}

const { images } = JSON.parse(readFileSync(new URL("../fixtures/cloud-images/images.json", import.meta.url), "utf8")) as { images: readonly PublishedImage[] };

/** The real image of a distribution whose file's name holds a word: "debian-13", "x86_64", "genericcloud". */
export function publishedImage(distro: string, arch: string, word = ""): PublishedImage {
  const found = images.find((image) => image.distro === distro && image.arch === arch && image.url.includes(word));
  if (!found) throw new Error(`no ${distro} for ${arch} with ${word} in images.json`);
  return found;
}

/** A checksum of a file that is not among the real ones. */
export function madeUp(digit: string, length: 64 | 128 = 64): string {
  return digit.repeat(length);
}

/** The folder's page, as nginx makes it. */
function nginx(...names: readonly string[]): string {
  const rows = names.map((name) => `<a href="${name}">${name}</a>${" ".repeat(Math.max(1, 60 - name.length))}20-Jul-2026 10:00    ${name.endsWith("/") ? "-" : "123456789"}\n`);
  return `<html>\r\n<head><title>Index of /</title></head>\r\n<body>\r\n<h1>Index of /</h1><hr><pre><a href="../">../</a>\n${rows.join("")}</pre><hr></body>\r\n</html>\r\n`;
}

/** The folder's page, as Apache makes it. */
function apache(...names: readonly string[]): string {
  const rows = names.map((name) => `   <tr class="even"><td class="indexcolicon"><img src="/icons/${name.endsWith("/") ? "folder" : "unknown"}.gif" alt="[   ]"></td><td class="indexcolname"><a href="${name}">${name}</a></td><td class="indexcollastmod">2026-07-20 10:00  </td></tr>\n`);
  return `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n  <title>Index of /</title>\n </head>\n <body>\n<h1>Index of /</h1>\n  <table id="indexlist">\n   <tr class="indexhead"><th class="indexcolname"><a href="?C=N;O=D">Name</a></th></tr>\n   <tr><td><a href="/">Parent Directory</a></td></tr>\n${rows.join("")}</table>\n</body></html>\n`;
}

/** The folder's page, as MirrorCache makes it. */
function mirrorCache(...names: readonly string[]): string {
  return `<html><body><table><tr><td class="name"><a href="../">Parent Directory</a></td></tr>${names.map((name) => `<tr><td class="name"><a href="./${name}">${name}</a></td><td class="size">330 M</td></tr>`).join("\n")}</table></body></html>`;
}

const nameOf = ({ url }: PublishedImage): string => url.slice(url.lastIndexOf("/") + 1);
const hexOf = ({ digest }: PublishedImage): string => digest.slice(digest.indexOf(":") + 1);
/** GNU's form, as sha256sum prints it; `*` where the file was read as binary. */
const gnu = (image: PublishedImage, mark = " "): string => `${hexOf(image)} ${mark}${nameOf(image)}\n`;
/** BSD's form, as `sha256sum --tag` prints it, with the comment that Fedora's tools put before it. */
const bsd = (image: PublishedImage): string => `# ${nameOf(image)}: 583729152 bytes\nSHA256 (${nameOf(image)}) = ${hexOf(image)}\n`;

const architectures = ["x86_64", "aarch64"] as const;
const both = (distro: string, word = ""): readonly PublishedImage[] => architectures.map((arch) => publishedImage(distro, arch, word));
/** The same texts for each architecture, at its own address. */
const forEach = (make: (arch: (typeof architectures)[number]) => Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.assign({}, ...architectures.map(make));

const debian = "https://cloud.debian.org/images/cloud/";
const debian13 = [...both("debian-13", "genericcloud"), ...both("debian-13", "nocloud")];

const ubuntu = "https://cloud-images.ubuntu.com/";
const ubuntuReleases = { "22.04": ["jammy", "22.04 LTS"], "24.04": ["noble", "24.04 LTS"], "25.10": ["questing", "25.10"], "26.04": ["resolute", "26.04 LTS"], "26.10": ["stonking", "26.10"] } as const;
const ubuntuBuilds = (folder: string, stream: string, builds: Readonly<Record<string, readonly string[]>>): string => JSON.stringify({
  content_id: "com.ubuntu.cloud:released:download", datatype: "image-downloads", format: "products:1.0", license: "http://www.canonical.com/intellectual-property-policy",
  products: Object.fromEntries(Object.entries(ubuntuReleases).flatMap(([version, [release, title]]) => ["amd64", "arm64"].map((arch) => [`com.ubuntu.cloud:${stream}:${version}:${arch}`, {
    aliases: `${version},${release}`, arch, os: "ubuntu", release, release_title: title, support_eol: "2031-05-29", supported: true, version,
    versions: Object.fromEntries((builds[version] ?? ["20260101"]).map((build) => [build, { items: { "disk1.img": { ftype: "disk1.img", path: `${folder}/${release}/release-${build}/ubuntu-${version}-${stream}-cloudimg-${arch}.img`, sha256: madeUp("0"), size: 616562688 } }, label: "release", pubname: `ubuntu-${release}-${version}-${arch}-server-${build}` }])),
  }]))),
});
const ubuntuSums = (distro: string, stream: string): string => both(distro, stream).map((image) => gnu(image, "*")).join("");

const fedora = "https://download.fedoraproject.org/pub/fedora/linux/";
const fedoraEntry = (version: string, arch: string, link: string) => ({ version, arch, link, variant: "Cloud", subvariant: "Cloud_Base", sha256: madeUp("0"), size: "583729152" });

const [centos, almalinux, rocky] = ["https://cloud.centos.org/centos/", "https://repo.almalinux.org/almalinux/", "https://dl.rockylinux.org/pub/rocky/"];
const opensuse = "https://download.opensuse.org/distribution/";
const alpine = "https://dl-cdn.alpinelinux.org/alpine/";
const archlinux = "https://geo.mirror.pkgbuild.com/images/";
const alpineNames = [...both("alpine-3.23").map(nameOf), "nocloud_alpine-3.23.4-x86_64-bios-cloudinit-r0.qcow2"];
const leap = (arch: string, build: string): string => `Leap-16.0-Minimal-VM.${arch}-Cloud-Build${build}.qcow2`;
const oldLeap = (arch: string): string => `openSUSE-Leap-15.6-Minimal-VM.${arch}-15.6.0-Cloud-Build16.37.qcow2`;
const flatcar = (stream: string, version: string): Readonly<Record<string, string>> => Object.assign({}, ...Object.entries({ "amd64-usr": "qemu", "arm64-usr": "qemu_uefi" }).map(([board, kind]) => {
  const base = `https://${stream}.release.flatcar-linux.net/${board}/`;
  const file = `flatcar_production_${kind}_image.img`;
  const text = `FLATCAR_BUILD=${version.split(".")[0]}\nFLATCAR_BRANCH=${version.split(".")[1]}\nFLATCAR_PATCH=${version.split(".")[2]}\nFLATCAR_VERSION=${version}\nFLATCAR_VERSION_ID=${version}\nFLATCAR_BUILD_ID="2026-07-06-2110"\nFLATCAR_SDK_VERSION=${version}\n`;
  return {
    [`${base}current/version.txt`]: text, [`${base}${version}/version.txt`]: text,
    [`${base}${version}/${file}.DIGESTS`]: `# MD5 HASH\n${"1".repeat(32)}  ${file}\n# SHA1 HASH\n${"2".repeat(40)}  ${file}\n# SHA512 HASH\n${madeUp("f", 128)}  ${file}\n`,
  };
}));

/** What the publishers' servers say, by address. */
export const publishers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  debian: {
    [debian]: apache("OpenStack/", "bookworm/", "bookworm-backports/", "bullseye/", "buster/", "forky/", "sid/", "trixie/", "trixie-backports/"),
    [`${debian}forky/`]: apache("daily/"),
    [`${debian}trixie/`]: apache("20260601-2496/", "20260712-2537/", "daily/", "latest/"),
    [`${debian}bookworm/`]: apache("20260706-2531/", "daily/", "latest/"),
    [`${debian}trixie/20260712-2537/SHA512SUMS`]: `${debian13.map((image) => gnu(image)).join("")}${debian13.map((image) => gnu(image).replace("genericcloud", "generic").replace(/^./, "0")).join("")}`,
    [`${debian}trixie/20260601-2496/SHA512SUMS`]: ["amd64", "arm64"].map((arch) => `${madeUp("6", 128)}  debian-13-genericcloud-${arch}-20260601-2496.qcow2\n`).join(""),
    [`${debian}bookworm/20260706-2531/SHA512SUMS`]: ["amd64", "arm64"].map((arch) => `${madeUp("7", 128)}  debian-12-genericcloud-${arch}-20260706-2531.qcow2\n`).join(""),
  },
  ubuntu: {
    [`${ubuntu}releases/streams/v1/com.ubuntu.cloud:released:download.json`]: ubuntuBuilds("server/releases", "server", { "26.04": ["20260423", "20260720"], "24.04": ["20260601", "20260705"] }),
    [`${ubuntu}minimal/releases/streams/v1/com.ubuntu.cloud:released:download.json`]: ubuntuBuilds("minimal/releases", "minimal", { "26.04": ["20260717"], "24.04": ["20260716"] }),
    [`${ubuntu}releases/resolute/release-20260720/SHA256SUMS`]: ubuntuSums("ubuntu-26.04", "server"),
    [`${ubuntu}releases/noble/release-20260705/SHA256SUMS`]: ubuntuSums("ubuntu-24.04", "server"),
    [`${ubuntu}releases/noble/release-20260601/SHA256SUMS`]: ["amd64", "arm64"].map((arch) => `${madeUp("8")} *ubuntu-24.04-server-cloudimg-${arch}.img\n`).join(""),
    [`${ubuntu}releases/stonking/release-20260101/SHA256SUMS`]: ["amd64", "arm64"].map((arch) => `${madeUp("9")} *ubuntu-26.10-server-cloudimg-${arch}.img\n`).join(""),
    [`${ubuntu}minimal/releases/resolute/release-20260717/SHA256SUMS`]: ubuntuSums("ubuntu-26.04", "minimal"),
    [`${ubuntu}minimal/releases/noble/release-20260716/SHA256SUMS`]: ubuntuSums("ubuntu-24.04", "minimal"),
  },
  "fedora-cloud": {
    "https://fedoraproject.org/releases.json": JSON.stringify([
      ...both("fedora-44").map(({ arch, url }) => fedoraEntry("44", arch, url)),
      ...both("fedora-44").map(({ arch, url }) => fedoraEntry("43", arch, url.replace("/44/", "/43/").replace("44-1.7", "43-1.6"))),
      ...both("fedora-44").map(({ arch, url }) => fedoraEntry("45 Beta", arch, url.replace("releases/44/", "releases/test/45_Beta/").replace("44-1.7", "45_Beta-1.2"))),
      { version: "44", arch: "x86_64", link: `${fedora}releases/44/Workstation/x86_64/iso/Fedora-Workstation-Live-44-1.7.x86_64.iso`, variant: "Workstation", subvariant: "Workstation", sha256: madeUp("0"), size: "2398523392" },
    ], null, 2),
    // What a mirror lists, which has no releases.json.
    [`${fedora}releases/`]: nginx("43/", "44/", "test/"),
    ...forEach((arch) => ({
      [`${fedora}releases/44/Cloud/${arch}/images/`]: nginx(nameOf(publishedImage("fedora-44", arch)), `Fedora-Cloud-44-1.7-${arch}-CHECKSUM`),
      [`${fedora}releases/44/Cloud/${arch}/images/Fedora-Cloud-44-1.7-${arch}-CHECKSUM`]: `# Fedora-Cloud-Base-UEFI-UKI-44-1.7.${arch}.qcow2: 1 bytes\nSHA256 (Fedora-Cloud-Base-UEFI-UKI-44-1.7.${arch}.qcow2) = ${madeUp("a")}\n${bsd(publishedImage("fedora-44", arch))}`,
      [`${fedora}releases/43/Cloud/${arch}/images/Fedora-Cloud-43-1.6-${arch}-CHECKSUM`]: `SHA256 (Fedora-Cloud-Base-Generic-43-1.6.${arch}.qcow2) = ${madeUp("b")}\n`,
    })),
  },
  "centos-stream": {
    [centos]: apache("10-stream/", "7/", "8-stream/", "9-stream/", "HEADER.images/"),
    ...forEach((arch) => {
      const image = publishedImage("centos-stream-10", arch);
      const old = nameOf(image).replace("20260720.0", "20260701.1");
      return {
        [`${centos}10-stream/${arch}/images/`]: apache("CHECKSUM", old, `${old}.SHA256SUM`, nameOf(image), `${nameOf(image)}.MD5SUM`, `${nameOf(image)}.SHA256SUM`, `CentOS-Stream-GenericCloud-10-latest.${arch}.qcow2`),
        [`${centos}10-stream/${arch}/images/${nameOf(image)}.SHA256SUM`]: bsd(image),
        [`${centos}10-stream/${arch}/images/${old}.SHA256SUM`]: `SHA256 (${old}) = ${madeUp("c")}\n`,
        [`${centos}9-stream/${arch}/images/`]: apache(`CentOS-Stream-GenericCloud-9-20260713.0.${arch}.qcow2`),
        [`${centos}9-stream/${arch}/images/CentOS-Stream-GenericCloud-9-20260713.0.${arch}.qcow2.SHA256SUM`]: `SHA256 (CentOS-Stream-GenericCloud-9-20260713.0.${arch}.qcow2) = ${madeUp("d")}\n`,
      };
    }),
  },
  almalinux: {
    [almalinux]: nginx("10/", "10.1/", "10.2/", "8/", "8.10/", "9/", "9.8/", "RPM-GPG-KEY-AlmaLinux-10", "TIME"),
    ...forEach((arch) => {
      const image = publishedImage("almalinux-10", arch);
      return {
        [`${almalinux}10.2/cloud/${arch}/images/CHECKSUM`]: `${gnu(image)}${madeUp("1")}  AlmaLinux-10-GenericCloud-ext4-10.2-20260526.0.${arch}.qcow2\n${hexOf(image)}  AlmaLinux-10-GenericCloud-latest.${arch}.qcow2\n`,
        [`${almalinux}9.8/cloud/${arch}/images/CHECKSUM`]: `${madeUp("2")}  AlmaLinux-9-GenericCloud-9.8-20260522.${arch}.qcow2\n`,
      };
    }),
  },
  rocky: {
    [rocky]: nginx("10/", "10.1/", "10.2/", "8/", "8.10/", "9/", "9.8/", "RPM-GPG-KEY-Rocky-10", "fullfilelist"),
    ...forEach((arch) => {
      const image = publishedImage("rocky-10", arch);
      return {
        [`${rocky}10.2/images/${arch}/CHECKSUM`]: `${bsd(image)}# Rocky-10-GenericCloud-LVM-10.2-20260525.0.${arch}.qcow2: 1 bytes\nSHA256 (Rocky-10-GenericCloud-LVM-10.2-20260525.0.${arch}.qcow2) = ${madeUp("1")}\nSHA256 (Rocky-10-GenericCloud-Base.latest.${arch}.qcow2) = ${hexOf(image)}\n`,
        [`${rocky}9.8/images/${arch}/CHECKSUM`]: `SHA256 (Rocky-9-GenericCloud-Base-9.8-20260526.0.${arch}.qcow2) = ${madeUp("3")}\n`,
      };
    }),
  },
  "opensuse-leap": {
    [`${opensuse}openSUSE-stable/appliances/`]: mirrorCache(...architectures.flatMap((arch) => [leap(arch, "18.7"), leap(arch, "16.2"), `${leap(arch, "18.7")}.sha256`, `${leap(arch, "18.7")}.sha256.asc`, `Leap-16.0-Minimal-VM.${arch}-Cloud.qcow2`, `Leap-16.0-Minimal-VM.${arch}-kvm-and-xen-Build18.7.qcow2`])),
    [`${opensuse}leap/16.0/appliances/`]: mirrorCache(...architectures.flatMap((arch) => [leap(arch, "18.7"), leap(arch, "16.2")])),
    [`${opensuse}leap/15.6/appliances/`]: mirrorCache(...architectures.map(oldLeap)),
    ...forEach((arch) => ({
      [`${opensuse}leap/16.0/appliances/${leap(arch, "18.7")}.sha256`]: `${madeUp("4")}  ${leap(arch, "18.7")}\n`,
      [`${opensuse}leap/16.0/appliances/${leap(arch, "16.2")}.sha256`]: `${madeUp("5")}  ${leap(arch, "16.2")}\n`,
      [`${opensuse}leap/15.6/appliances/${oldLeap(arch)}.sha256`]: `${madeUp("6")}  ${oldLeap(arch)}\n`,
    })),
  },
  alpine: {
    ...Object.fromEntries(["latest-stable", "v3.23"].map((folder) => [`${alpine}${folder}/releases/cloud/`, nginx(
      "aws_alpine-3.23.4-x86_64-bios-tiny-r0.vhd", "generic_alpine-3.23.4-x86_64-uefi-cloudinit-r0.qcow2", "nocloud_alpine-3.23.3-x86_64-bios-cloudinit-r0.qcow2", "nocloud_alpine-3.23.4-x86_64-bios-cloudinit-metal-r0.qcow2",
      ...alpineNames.flatMap((name) => [name, `${name}.asc`, `${name}.sha512`, name.replace("cloudinit", "tiny")]),
    )])),
    ...Object.fromEntries(both("alpine-3.23").map((image) => [`${alpine}v3.23/releases/cloud/${nameOf(image)}.sha512`, `${hexOf(image)}\n`])),
    ...Object.fromEntries(["3.23.3", "3.23.4"].map((release) => [`${alpine}v3.23/releases/cloud/nocloud_alpine-${release}-x86_64-bios-cloudinit-r0.qcow2.sha512`, `${madeUp(release.slice(-1), 128)}\n`])),
    [`${alpine}v3.24/releases/cloud/`]: nginx("generic_alpine-3.24.1-aarch64-uefi-cloudinit-r0.qcow2", "generic_alpine-3.24.1-aarch64-uefi-cloudinit-r0.qcow2.sha512"),
    [`${alpine}v3.24/releases/cloud/generic_alpine-3.24.1-aarch64-uefi-cloudinit-r0.qcow2.sha512`]: `${madeUp("e", 128)}\n`,
  },
  archlinux: {
    [archlinux]: nginx("latest/", "v20260701.551230/", "v20260715.556894/"),
    [`${archlinux}v20260715.556894/Arch-Linux-x86_64-cloudimg-20260715.556894.qcow2.SHA256`]: gnu(publishedImage("archlinux", "x86_64")),
    [`${archlinux}v20260701.551230/Arch-Linux-x86_64-cloudimg-20260701.551230.qcow2.SHA256`]: `${madeUp("1")}  Arch-Linux-x86_64-cloudimg-20260701.551230.qcow2\n`,
  },
  flatcar: { ...flatcar("stable", "4593.2.4"), ...flatcar("beta", "4628.1.0"), ...flatcar("lts", "4081.3.6") },
};

/** The folder that each publisher's addresses are below. */
export const publisherFolders: Readonly<Record<string, string>> = {
  debian, ubuntu, "fedora-cloud": fedora, "centos-stream": centos, almalinux, rocky, "opensuse-leap": opensuse, alpine, archlinux, flatcar: "https://stable.release.flatcar-linux.net/",
};
