import { quote } from "./command.ts";
import { growUnit } from "./grow-root.ts";
import type { GuestDraft } from "./guest.ts";
import type { ReadyPort } from "./model.ts";
import { escapePath } from "./systemd.ts";

/** The guest's folder of ours. /usr is read-only on Fedora CoreOS, /var is not. */
export const guestFolder = "/var/lib/glowplug";
/** The unit that runs packages and commands once. */
export const firstBootUnit = "glowplug-first-boot.service";
/** The unit that tells the host that the machine is up. */
export const readyUnit = "glowplug-ready.service";
/**
 * What these units run, each an argument of /bin/sh. A guest without systemd runs the first boot (if it is there), then the ready
 * signal, at every boot. What stands in `failed` is told to the host in place of "Ready"; the first boot takes it away when it begins.
 */
export const guestScripts = { firstBoot: `${guestFolder}/first-boot`, ready: `${guestFolder}/ready`, failed: `${guestFolder}/failed` } as const;

/**
 * Turns what every first-boot format says alike into files and units: packages, commands and the ready signal.
 * Called once, after the last `ignition` hook and before `render`; calling it again changes nothing.
 */
export function finishGuest(guest: GuestDraft): void {
  const steps = [
    ...(guest.packages.length > 0 ? [packageStep(guest.packages)] : []),
    ...guest.commands.map(({ command }, index) => commandStep(command, index + 1)),
  ];
  steps.forEach((content, index) => guest.file({ path: `${guestFolder}/first-boot.d/${String(index).padStart(3, "0")}`, content }));
  if (steps.length > 0) {
    guest.file({ path: guestScripts.firstBoot, content: runner });
    guest.unit({ name: firstBootUnit, content: firstBootText(guest.readyUnits) });
  }
  guest.file({ path: guestScripts.ready, content: readyScript(guest.ready) });
  guest.unit({ name: readyUnit, content: readyText(guest.ready, guest.readyUnits) });
  // A slow host takes more than systemd's 90 seconds until udev has seen the port; the wait for it is limited on the host's side.
  for (const name of deviceUnits(guest.ready)) guest.unit({ name, dropins: [{ name: "10-glowplug.conf", content: "[Unit]\nJobTimeoutSec=infinity\nJobRunningTimeoutSec=infinity\n" }] });
}

/** A step is shell text; its first line is the title that a failure is told with. */
function commandStep(command: string, number: number): string {
  const line = command.trim().split("\n")[0] ?? "";
  return `# command ${number} (${line.length > 60 ? `${line.slice(0, 59)}…` : line})\n${command}\n`;
}

/** Leaves out what is there already, so that an image with the packages needs no network. */
function packageStep(names: readonly string[]): string {
  return `# packages ${names.join(" ")}
has() { command -v "$1" > /dev/null; }
is_there() {
  if has dpkg-query; then [ "$(dpkg-query -W -f '\${db:Status-Status}' "$1")" = installed ]
  elif has rpm; then rpm -q --whatprovides "$1"
  elif has apk; then apk info -e "$1"
  elif has pacman; then pacman -Q "$1"
  else return 1
  fi > /dev/null 2>&1
}
set --
for name in ${names.map(quote).join(" ")}; do
  is_there "$name" || set -- "$@" "$name"
done
[ $# -eq 0 ] && exit 0
if [ -e /run/ostree-booted ]; then rpm-ostree install --assumeyes --apply-live --allow-inactive --idempotent "$@"
elif has apt-get; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update
  apt-get -q -y -o DPkg::Lock::Timeout=300 install "$@"
elif has dnf; then dnf -y install "$@"
elif has zypper; then zypper --non-interactive install "$@"
elif has pacman; then pacman -Sy --noconfirm --needed "$@"
elif has apk; then apk add "$@"
else
  echo "none of rpm-ostree, apt-get, dnf, zypper, pacman and apk is here" >&2
  exit 1
fi
`;
}

const runner = `# Runs each step once, in order. A step that fails ends the run, and is tried again at the next boot.
cd ${guestFolder} || exit 1
mkdir -p done
rm -f failed
for step in first-boot.d/*; do
  [ -e "done/\${step##*/}" ] && continue
  read -r _ title < "$step"
  sh -e "$step" < /dev/null
  status=$?
  if [ "$status" -ne 0 ]; then
    printf 'first boot: %s: exit status %s\\n' "$title" "$status" > failed
    exit "$status"
  fi
  : > "done/\${step##*/}"
done
: > first-boot.done
`;

/** The script is an argument of /bin/sh: SELinux lets no service execute a file of /var/lib itself. */
function firstBootText(units: readonly string[]): string {
  return `[Unit]
Description=Packages and commands of the first boot
ConditionPathExists=!${guestFolder}/first-boot.done
Wants=network-online.target
After=${["network-online.target", ...units].join(" ")}

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStart=/bin/sh ${guestScripts.firstBoot}
StandardOutput=journal+console
StandardError=inherit

[Install]
WantedBy=multi-user.target
`;
}

/**
 * The ready line must not come before ssh works, and needs no time of its own:
 * - sshd under each of its names. Type=notify: started means listening.
 * - systemd-user-sessions: until then pam_nologin refuses everybody but root ("System is booting up").
 * - network-online: the forwarder reaches sshd at the guest's address, and the guest's own network manager knows best when
 *   that is there (systemd-networkd-wait-online, nm-online: both are told, neither polls, both give up after one or two
 *   minutes). DHCP runs beside the rest of the boot, so the wait is seldom the last to end.
 * - first boot: `start` returns when its packages and commands are done, or tells which failed.
 * A write to the port blocks until the host has connected to it. Its name is the launcher's choice; its number
 * (/dev/vport1p1) depends on the order of PCI devices.
 */
function readyText(ready: ReadyPort, units: readonly string[]): string {
  const device = deviceUnits(ready);
  const after = ["network-online.target", "systemd-user-sessions.service", "ssh.service", "sshd.service", "ssh.socket", "sshd.socket", growUnit, firstBootUnit, ...device, ...units];
  return `[Unit]
Description=Tell the host that the machine is up
${device.map((unit) => `Requires=${unit}\n`).join("")}Wants=${["network-online.target", ...units].join(" ")}
After=${after.join(" ")}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${guestScripts.ready}

[Install]
WantedBy=multi-user.target
`;
}

function deviceUnits(ready: ReadyPort): string[] {
  return ready.kind === "virtio-port" ? [`${escapePath(`/dev/virtio-ports/${ready.name}`)}.device`] : [];
}

function readyScript(ready: ReadyPort): string {
  return `# Tells the host in one line that the machine is up ("Ready"), or what failed ("Failed WHAT").
line=Ready
[ -s ${guestScripts.failed} ] && read -r why < ${guestScripts.failed} && line="Failed $why"
${ready.kind === "virtio-port" ? virtioWay(ready.name) : vsockWay(ready.port)}`;
}

/** udev gives ports their names; a guest without it (Alpine's mdev) knows them by number. */
function virtioWay(name: string): string {
  return `port=${quote(`/dev/virtio-ports/${name}`)}
if [ ! -e "$port" ]; then
  for known in /sys/class/virtio-ports/*/name; do
    known=\${known%/name}
    [ "$(cat "$known/name")" = ${quote(name)} ] && port=/dev/\${known##*/}
  done
fi
printf '%s\\n' "$line" > "$port"
`;
}

/** Fedora CoreOS has socat and no Python; a guest that runs cloud-init has Python. */
function vsockWay(port: number): string {
  return `if command -v socat > /dev/null; then printf '%s\\n' "$line" | socat -u - VSOCK-CONNECT:2:${port}
else python3 -c 'import socket, sys
host = socket.socket(socket.AF_VSOCK)
host.connect((2, ${port}))
host.sendall((sys.argv[1] + "\\n").encode())' "$line"
fi
`;
}
