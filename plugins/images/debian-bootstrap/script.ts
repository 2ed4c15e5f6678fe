import type { FirstBoot } from "glowplug";
import { guestFiles } from "./guest-files.ts";
import { initrdRecipe } from "./initrd.ts";
import { guestPackages, hostPrograms, keptIn, leftOut, suite } from "./packages.ts";
import type { TreeFile } from "./tree-file.ts";
import { disabledUnits, enabledUnits, maskedGenerators, maskedUnits, maskedUserUnits, unitsWithoutNetwork } from "./units.ts";

/** What shapes the disk. */
export interface RecipeOptions {
  /** What does the first boot in the guest. Default: "ignition". */
  readonly firstBoot?: FirstBoot;
  /** More Debian packages for the guest. Default: none. */
  readonly packages?: readonly string[];
  /** More words for the guest's kernel line. Default: none. */
  readonly kernelArguments?: readonly string[];
}

/** The guest's kernel line. The loader itself stays silent: the first byte on the serial line is the kernel's. */
const kernelLine = (firstBoot: FirstBoot): readonly string[] => [
  "root=LABEL=root", "rw", "console=ttyS0", ...(firstBoot === "ignition" ? ["ignition.firstboot=1", "ignition.platform.id=qemu", "systemd.firstboot=0"] : []),
  // Keeps the card's name when it is plugged anew; skips self-tests; grace periods of the kernel are what a booting systemd waits for.
  "net.ifnames=0", "cryptomgr.notests", "rcupdate.rcu_expedited=1",
];

/** Quotes a word for the shell. */
const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const end = "END_OF_FILE";

/** Shell lines that write a file under $tree. */
function writeFile(file: TreeFile): string {
  const path = `"$tree"${word(file.path)}`;
  return `mkdir -p "$tree"${word(file.path.slice(0, file.path.lastIndexOf("/")))}\ncat > ${path} <<'${end}'\n${file.content}${end}\nchmod ${file.mode ?? "0644"} ${path}`;
}

/** The part that runs while mmdebstrap has the tree mounted. */
function renderCustomize(firstBoot: FirstBoot): string {
  const forIgnition = `# Ignition is handed its whole config by the launcher, so the initrd needs no network.
sed -i 's/echo qemu systemd url-lib network/echo systemd/' "$tree/usr/lib/dracut/modules.d/30ignition/module-setup.sh"
`;
  return `#!/bin/bash
set -euo pipefail
tree=$1
say() { echo "debian-bootstrap: $*" >&2; }
say "guest files"
${[...guestFiles(firstBoot), ...initrdRecipe(firstBoot)].map(writeFile).join("\n")}
ln -sf /run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
mkdir -p "$tree/etc/systemd/system-generators"
for generator in ${maskedGenerators.join(" ")}; do ln -s /dev/null "$tree/etc/systemd/system-generators/$generator"; done
for unit in ${unitsWithoutNetwork.join(" ")}; do
  sed -E '/^(Before|After|Wants)=/ { s/ ?(network|nss-lookup|remote-fs|sysinit)\\.target//g; /=$/d }; s/^WantedBy=sysinit/WantedBy=multi-user/' "$tree/lib/systemd/system/$unit" > "$tree/etc/systemd/system/$unit"
done
rm -f "$tree"/etc/ssh/ssh_host_* "$tree"/etc/update-motd.d/* "$tree/var/lib/dbus/machine-id" "$tree/etc/apt/apt.conf.d/99mmdebstrap"
chroot "$tree" groupadd --system wheel
chroot "$tree" systemctl --quiet disable ${disabledUnits.join(" ")} 2> /dev/null
chroot "$tree" systemctl --quiet reenable ${enabledUnits(firstBoot).join(" ")}
chroot "$tree" systemctl --quiet mask ${maskedUnits.join(" ")}
chroot "$tree" systemctl --quiet --global mask ${maskedUserUnits.join(" ")}
chroot "$tree" systemctl --quiet set-default multi-user.target
# The boot loader reads its own copy of the kernel: an upgrade of the package would not reach it.
chroot "$tree" apt-mark hold linux-image-amd64 > /dev/null
say "initrd"
${firstBoot === "ignition" ? forIgnition : ""}version=$(cd "$tree/lib/modules" && echo *)
log=$(chroot "$tree" dracut --quiet --force --no-hostonly /boot/initrd "$version" 2>&1) || { echo "$log" >&2; exit 1; }
[ -z "$log" ] || echo "$log" >&2
# It goes on without a driver that it cannot find.
case $log in *FAILED*) say "the initrd is incomplete"; exit 1 ;; esac
cp "$tree/boot/vmlinuz-$version" "$2/vmlinuz"
mv "$tree/boot/initrd" "$2/initrd"
rm -f "$tree"/boot/vmlinuz-* "$tree"/boot/System.map-* "$tree"/initrd.img* "$tree"/vmlinuz*
rm -rf "$tree"/var/log/*
`;
}

/** mmdebstrap leaves the file empty; then systemd finds a name and enables no units by presets. */
const machineId = `# Not empty, as mmdebstrap leaves it: this word alone makes systemd take the boot for the first one and apply Ignition's presets.
echo uninitialized > "$work/tree/etc/machine-id"

`;

/** The whole build: \`script OUTPUT SCRATCH\`. Same options, same text. */
export function renderBuildScript(options: RecipeOptions = {}): string {
  const { firstBoot = "ignition" } = options;
  const packages = [...guestPackages(firstBoot), ...(options.packages ?? [])];
  const line = [...kernelLine(firstBoot), ...(options.kernelArguments ?? [])].join(" ");
  const excludes = [...leftOut.map((path) => `path-exclude=${path}`), ...keptIn.map((path) => `path-include=${path}`)];
  return `#!/bin/bash
# Builds a Debian guest that boots by itself. Usage: build.sh OUTPUT.qcow2 SCRATCH-FOLDER
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
say() { echo "debian-bootstrap: $*" >&2; }
fail() { say "$*"; exit 1; }
[ $# -eq 2 ] || fail "usage: build.sh OUTPUT.qcow2 SCRATCH-FOLDER"
output=$1
mkdir -p "$2"
work=$(mktemp -d "$2/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
for program in ${hostPrograms.join(" ")}; do
  command -v "$program" > /dev/null || fail "the program $program is missing"
done
for file in /usr/lib/syslinux/mbr/mbr.bin /usr/share/keyrings/debian-archive-keyring.gpg; do
  [ -e "$file" ] || fail "the file $file is missing"
done
# The guest's tree has files of many owners. A plain user makes them inside a user namespace, with the ids that /etc/subuid lends.
if [ "$(id -u)" -ne 0 ]; then
  enter="unshare --user --map-root-user --map-auto --mount --pid --fork --kill-child"
  $enter true || fail "without root the build needs user namespaces, and a range for $(id -un) in /etc/subuid and /etc/subgid"
  rm -rf "$work"
  exec $enter --mount-proc bash "$0" "$@"
fi

# Where Debian comes from: the host's own apt knows. A host that keeps no package lists gets private ones.
sources_in() {
  apt-get indextargets -o "Dir::State::Lists=$1" --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Identifier: Packages' | awk '
    $1 != "Debian" { next }
    $2 ~ /-security$/ { if (!security) security = $3; next }
    $2 ~ /-/ { next }
    !main { main = $3 }
    END {
      if (!main) exit 1
      print "deb " main " ${suite} main"
      print "deb " main " ${suite}-updates main"
      if (security) print "deb " security " ${suite}-security main"
    }'
}
if ! sources=$(sources_in /var/lib/apt/lists); then
  mkdir -p "$work/lists/partial"
  apt-get -qq -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User= update >&2 || true
  sources=$(sources_in "$work/lists") || fail "apt on this host knows no Debian source: add one to its configuration"
fi
apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https Acquire::Retries Acquire::Check-Valid-Until Acquire::Check-Date > "$work/apt.conf"
cat > "$work/dpkg.cfg" <<'${end}'
${excludes.join("\n")}
${end}
cat > "$work/customize" <<'${end}_HOOK'
${renderCustomize(firstBoot)}${end}_HOOK
chmod +x "$work/customize"

say "packages"
mkdir "$work/boot"
INITRD=No DEBIAN_FRONTEND=noninteractive mmdebstrap --quiet --mode=root --variant=apt --architectures=amd64 \\
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \\
  --aptopt="$work/apt.conf" --aptopt='APT::Install-Recommends "false"' --dpkgopt="$work/dpkg.cfg" \\
  --include=${word(packages.join(","))} \\
  --customize-hook="$work/customize \\"\\$1\\" $work/boot" \\
  ${suite} "$work/tree" - <<< "$sources" >&2

${firstBoot === "ignition" ? machineId : ""}say "disk"
used=$(du -sm "$work/tree" | cut -f1)
boot=96
size=$((used + used / 2 + 768))
disk=$work/disk.raw
truncate -s $((1 + boot + size))M "$disk"
sfdisk --quiet "$disk" <<${end}
label: dos
start=1MiB, size=\${boot}MiB, type=c, bootable
start=$((1 + boot))MiB, type=83
${end}
mkfs.vfat -F 16 -n BOOT --offset 2048 "$disk" $((boot * 1024)) > /dev/null 2>&1
cat > "$work/boot/syslinux.cfg" <<'${end}'
default glowplug
prompt 0
timeout 0
label glowplug
  kernel vmlinuz
  initrd initrd
  append ${line}
${end}
MTOOLS_SKIP_CHECK=1 mcopy -i "$disk@@1M" "$work/boot/vmlinuz" "$work/boot/initrd" "$work/boot/syslinux.cfg" ::
syslinux --offset $((1024 * 1024)) --install "$disk"
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
mkfs.ext4 -q -F -L root -d "$work/tree" -E offset=$(((1 + boot) * 1024 * 1024)) "$disk" \${size}M
qemu-img convert -f raw -O qcow2 "$disk" "$work/disk.qcow2"
mv "$work/disk.qcow2" "$output"
say "done"
`;
}
