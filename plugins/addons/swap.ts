import { checkOptions, MachineError, parseSize, type Plugin, type Size } from "glowplug";

export interface SwapOptions {
  /** How much, with its unit: "1GiB". */
  readonly swap: Size;
}

const folder = "/var/lib/glowplug";
const unit = "glowplug-swap.service";

/**
 * Gives the guest swap from its first boot on: packed in its memory by zram-generator, which Fedora has, and elsewhere a file on its disk.
 */
export default function swap(options: SwapOptions): Plugin {
  checkOptions("swap", options, ["swap"]);
  const mib = Math.ceil(sizeOf(options) / 2 ** 20);
  return {
    name: "swap",

    ignition({ guest }) {
      // In MiB (zram-generator.conf(5), "zram-size").
      guest.file({ path: "/etc/systemd/zram-generator.conf", content: `[zram0]\nzram-size = ${mib}\n` });
      guest.file({ path: `${folder}/swap-on`, content: script(mib) });
      guest.unit({ name: unit, content: unitText });
      guest.readyAfter(unit);
    },
  };
}

function sizeOf({ swap: size }: SwapOptions): number {
  const bytes = typeof size === "string" ? parseSize(size) : 0;
  if (bytes > 0) return bytes;
  throw new MachineError("bad-spec", `swap: expected a size with its unit such as "1GiB", found ${JSON.stringify(size)}`, { plugin: "swap", hint: "Leave the plugin out for a guest without swap." });
}

const unitText = `[Unit]
Description=Swap on a file
ConditionPathExists=!/usr/lib/systemd/system-generators/zram-generator
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${folder}/swap-on

[Install]
WantedBy=multi-user.target
`;

/** A file with holes cannot be swapped on, and Btrfs must not copy its blocks on write (swapon(8)). */
function script(mib: number): string {
  return `set -e
file=${folder}/swap
grep -q "^$file " /proc/swaps && exit 0
if [ "$(stat -c %s "$file" 2> /dev/null)" != ${mib * 2 ** 20} ]; then
  rm -f "$file"
  (umask 077; : > "$file")
  chattr +C "$file" 2> /dev/null || :
  fallocate -l ${mib}M "$file" 2> /dev/null || dd if=/dev/zero of="$file" bs=1M count=${mib} 2> /dev/null
  mkswap "$file" > /dev/null
  if command -v chcon > /dev/null; then chcon -t swapfile_t "$file" 2> /dev/null || :; fi
fi
swapon "$file"
`;
}
