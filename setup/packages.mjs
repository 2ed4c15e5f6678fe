// @ts-check
/** The host programs that each purpose needs, and the Debian package of each. The one list of them. */

/**
 * @typedef {object} Need
 * @property {string} program a name on PATH, or the absolute path of a file
 * @property {string} debian package on Debian and Ubuntu
 * @property {string} [brew] formula on macOS; without one the need is for Linux alone
 */

/** Architecture words of Node and of QEMU's programs and Debian's packages. @type {Record<string, [program: string, debian: string]>} */
const qemu = {
  x64: ["qemu-system-x86_64", "qemu-system-x86"],
  arm64: ["qemu-system-aarch64", "qemu-system-arm"],
  ppc64: ["qemu-system-ppc64", "qemu-system-ppc"],
  s390x: ["qemu-system-s390x", "qemu-system-misc"],
};

/**
 * What a machine needs on the host: the hypervisor, and what builds a guest from Debian's packages.
 * @param {string} arch as `process.arch` has it
 * @param {boolean} canBuildGuest whether the guest is built here
 * @returns {Need[]}
 */
export function quickstartNeeds(arch, canBuildGuest) {
  const [program, debian] = qemu[arch] ?? ["qemu-system-x86_64", "qemu-system-x86"];
  return [
    { program, debian, brew: "qemu" },
    { program: "qemu-img", debian: "qemu-utils", brew: "qemu" },
    { program: "ssh", debian: "openssh-client" },
    ...(canBuildGuest ? guestBuildNeeds : []),
  ];
}

/** What the image plugin `debian-bootstrap` runs. @type {readonly Need[]} */
export const guestBuildNeeds = [
  { program: "apt-get", debian: "apt" },
  { program: "apt-config", debian: "apt" },
  { program: "bash", debian: "bash" },
  { program: "/usr/share/keyrings/debian-archive-keyring.gpg", debian: "debian-archive-keyring" },
  { program: "mmdebstrap", debian: "mmdebstrap" },
  { program: "sfdisk", debian: "fdisk" },
  { program: "mkfs.vfat", debian: "dosfstools" },
  { program: "mcopy", debian: "mtools" },
  { program: "mmd", debian: "mtools" },
  { program: "syslinux", debian: "syslinux" },
  { program: "/usr/lib/syslinux/mbr/mbr.bin", debian: "syslinux-common" },
  { program: "mkfs.ext4", debian: "e2fsprogs" },
  { program: "qemu-img", debian: "qemu-utils", brew: "qemu" },
  { program: "newuidmap", debian: "uidmap" },
  { program: "unshare", debian: "util-linux" },
];

/** What the tests call beside that. @type {readonly Need[]} */
export const testNeeds = [
  { program: "ignition-validate", debian: "ignition" },
  { program: "podman", debian: "podman", brew: "podman" },
  { program: "docker-compose", debian: "docker-compose" },
  { program: "script", debian: "bsdutils" },
  { program: "sshd", debian: "openssh-server" },
  { program: "ssh-keygen", debian: "openssh-client" },
  { program: "/bin/busybox", debian: "busybox-static" },
  { program: "curl", debian: "curl" },
  { program: "xz", debian: "xz-utils", brew: "xz" },
  { program: "zstd", debian: "zstd", brew: "zstd" },
  { program: "bzip2", debian: "bzip2" },
  { program: "passt", debian: "passt" },
  { program: "bwrap", debian: "bubblewrap" },
  { program: "setpriv", debian: "util-linux" },
  { program: "openssl", debian: "openssl" },
  { program: "qemu-system-aarch64", debian: "qemu-system-arm" },
  { program: "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", debian: "qemu-efi-aarch64" },
  { program: "blkid", debian: "util-linux" },
  { program: "isoinfo", debian: "genisoimage" },
  { program: "/usr/bin/python3", debian: "python3" },
  // What cloud-init's checker of user-data imports.
  ...["configobj/__init__", "jinja2/__init__", "jsonpatch", "jsonschema/__init__", "requests/__init__", "yaml/__init__"].map((module) => ({ program: `/usr/lib/python3/dist-packages/${module}.py`, debian: `python3-${module.split("/")[0]}` })),
];

/**
 * Files that are unpacked into a folder of ours, without root: gvproxy since Debian 12 lacks it, bubblewrap for its fence, a docker
 * client without its daemon, a registry without its service, a Linux for another processor, a newer setpriv with its libraries.
 * @typedef {object} Tool
 * @property {string} name also of its folder
 * @property {readonly string[]} packages to try in order; newer releases have the docker client in a package of its own
 * @property {readonly string[]} files in the package
 * @property {number} since the first Debian release that has it
 * @property {boolean} [pinned] taken from that release whatever runs here: its files are named after it
 * @property {boolean} [needsLibc] may want a newer C library than this system's: where its first file does not run, it gets that release's beside it
 */

/** @type {Tool} */
export const gvproxy = { name: "gvproxy", packages: ["gvproxy"], files: ["usr/bin/gvproxy"], since: 13 };
/** What fences gvproxy in. @type {Tool} */
export const bubblewrap = { name: "bwrap", packages: ["bubblewrap"], files: ["usr/bin/bwrap"], since: 12 };
/** @type {Tool} */
export const docker = { name: "docker", packages: ["docker-cli", "docker.io"], files: ["usr/bin/docker"], since: 12 };
/** Kernel, initrd and boot loader of Debian's installer: a small AArch64 Linux in a package for every architecture. @type {Tool} */
export const armLinux = {
  name: "arm-linux", packages: ["debian-installer-12-netboot-arm64"], since: 12, pinned: true,
  files: ["linux", "initrd.gz", "grubaa64.efi"].map((file) => `usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/${file}`),
};

/** Shares folders with a guest. Debian 12 has the one of QEMU 7.2 alone, which maps no owners. @type {Tool} */
export const virtiofsd = { name: "virtiofsd", packages: ["virtiofsd"], files: ["usr/libexec/virtiofsd"], since: 13, needsLibc: true };

/** podman's client with the files of podman 5, beside Debian 12's podman 4. @type {Tool} */
export const podmanRemote = { name: "podman-remote", packages: ["podman-remote"], files: ["usr/bin/podman-remote"], since: 13, needsLibc: true };

/** A registry of container images for tests. Unpacked, since the package would start one as a service. @type {Tool} */
export const registry = { name: "docker-registry", packages: ["docker-registry"], files: ["usr/bin/docker-registry"], since: 12 };

const libraries = "usr/lib/x86_64-linux-gnu";
/**
 * A setpriv that knows Landlock (util-linux 2.41), for tests on systems with an older one. It needs that release's libraries; a folder
 * deeper than other tools', so that nothing else finds it. @type {readonly Tool[]}
 */
export const landlockSetpriv = [
  { name: "landlock/setpriv", packages: ["util-linux"], files: ["usr/bin/setpriv"], since: 13 },
  { name: "landlock/libc", packages: ["libc6"], files: [`${libraries}/libc.so.6`, `${libraries}/ld-linux-x86-64.so.2`], since: 13 },
  { name: "landlock/libcap-ng", packages: ["libcap-ng0"], files: [`${libraries}/libcap-ng.so.0`, `${libraries}/libcap-ng.so.0.0.0`], since: 13 },
];

/** The checker of cloud-init's user-data. Unpacked, since the package would have this host's own first boot anew. @type {Tool} */
export const cloudInit = { name: "cloud-init", packages: ["cloud-init"], files: ["usr/lib/python3/dist-packages/cloudinit"], since: 12 };

/** Debian's names of the releases that a tool may first be in. @type {Record<number, string>} */
export const debianReleases = { 12: "bookworm", 13: "trixie" };
