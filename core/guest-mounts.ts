import { quote } from "./command.ts";
import { lostFolder } from "./guest-lost.ts";
import type { ShareMount } from "./roles/launcher.ts";
import { escapePath } from "./systemd.ts";

/**
 * Shell text by which root brings the guest's volumes to what is listed: what is new is mounted, and what is gone unmounted. Where
 * systemd runs, each volume is a unit as well, so that a guest that boots by itself has its volumes before its containers.
 * One that is dead is left as it is, and what is lost is no longer seen at its target.
 * For any POSIX shell with GNU's or busybox's small programs. Errors are lines "TARGET: what went wrong"; the others are mounted all the same.
 */
export function mountScript(mounts: readonly ShareMount[], gone: readonly ShareMount[] = [], lost: readonly ShareMount[] = []): string {
  // A folder before those that are mounted below it.
  const ordered = [...mounts].sort((one, other) => (one.share.target < other.share.target ? -1 : 1));
  const units = ordered.map(({ share }) => unitName(share.target));
  return `${functions}
wanted=' ${units.join(" ")} '
${[...lost, ...gone.filter(({ dead }) => dead)].map(letGo).join("\n")}
${gone.filter(({ dead }) => !dead).map(({ tag, share }) => `take_down ${quote(tag)} ${quote(share.target)}`).join("\n")}
drop_units
${ordered.filter(({ dead }) => !dead).map(volume).join("\n")}
finish`;
}

function letGo({ tag, share: { target } }: ShareMount): string {
  return `let_go ${quote(tag)} ${quote(target)} ${quote(asListed(target))}`;
}

/** A path as the kernel writes it in /proc/self/mounts. */
function asListed(path: string): string {
  return path.replaceAll(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function volume({ kind, tag, share }: ShareMount): string {
  // "%" begins a specifier in every setting of a unit.
  return `volume ${kind} ${quote(tag)} ${share.readOnly ? "ro" : "rw"} ${quote(share.target)} ${quote(unitName(share.target))} ${quote(share.target.replaceAll("%", "%%"))}`;
}

function unitName(target: string): string {
  return `${escapePath(target)}.mount`;
}

/**
 * 9p: the protocol that Linux speaks best, and a message size that is not tiny (the kernel's 9p.rst). SELinux knows it as a network file
 * system; virtiofs would carry the host's labels, which containers may not use. Fedora CoreOS keeps / immutable, and there a target
 * in / is made as podman machine does it. A device that was plugged a moment ago may not be known to the guest yet.
 * What is lost is kept below another folder: see guest-lost.ts.
 */
const functions = `set -u
units=/etc/systemd/system
mark='# A volume of the host, written by glowplug.'
status=0
changed=
complain() {
  echo "$1" >&2
  status=1
}
folder() {
  [ -d "$1" ] && return 0
  said=$(mkdir -p "$1" 2>&1) && return 0
  lsattr -d / 2> /dev/null | grep -q '^[^ ]*i' || return 1
  chattr -i /
  said=$(mkdir -p "$1" 2>&1)
  made=$?
  chattr +i /
  return $made
}
lost=${lostFolder}
is_mounted() { grep "^$1 " /proc/self/mounts | grep -qv "^$1 $lost/"; }
let_go() {
  is_mounted "$1" || return 0
  if ! grep -q "^$1 $lost/$1 " /proc/self/mounts; then
    mkdir -p "$lost/$1"
    said=$(mount --bind "$2" "$lost/$1" 2>&1) || { complain "$2: $said"; return; }
  fi
  while grep -qF "$1 $3 " /proc/self/mounts; do
    said=$(umount -l "$2" 2>&1) || { complain "$2: $said"; return; }
  done
}
options() {
  case $1 in
    9p) printf 'trans=virtio,version=9p2000.L,msize=131072,' ;;
    virtiofs) if grep -q selinuxfs /proc/filesystems; then printf 'context="system_u:object_r:nfs_t:s0",'; fi ;;
  esac
}
mount_it() {
  said=$(mount -t "$1" -o "$2" "$3" "$4" 2>&1) && return 0
  for try in 1 2 3 4 5 6 7 8 9 10; do
    case $said in *nknown\\ filesystem*) return 1 ;; esac
    sleep 0.5
    said=$(mount -t "$1" -o "$2" "$3" "$4" 2>&1) && return 0
  done
  return 1
}
volume() {
  options=$(options "$1")$3
  if ! is_mounted "$2"; then
    folder "$4" || { complain "$4: $said"; return; }
    mount_it "$1" "$options" "$2" "$4" || { complain "$4: $said"; return; }
  elif ! grep -q "^$2 [^ ]* [^ ]* $3[, ]" /proc/self/mounts; then
    said=$(mount -o "remount,$3" "$4" 2>&1) || { complain "$4: $said"; return; }
  fi
  [ -d /run/systemd/system ] || return 0
  new=$units/$5.new
  printf '%s\\n[Unit]\\nDescription=Folder of the host at %s\\n\\n[Mount]\\nWhat=%s\\nWhere=%s\\nType=%s\\nOptions=%s\\n' "$mark" "$6" "$2" "$6" "$1" "$options" > "$new"
  if cmp -s "$new" "$units/$5"; then rm -f "$new"; else mv -f "$new" "$units/$5"; changed=yes; fi
  wants=$units/multi-user.target.wants
  [ -L "$wants/$5" ] || { mkdir -p "$wants"; ln -sf "../$5" "$wants/$5"; changed=yes; }
}
take_down() {
  is_mounted "$1" || return 0
  said=$(umount "$2" 2>&1) || { complain "$2: $said"; exit 1; }
}
drop_units() {
  for file in "$units"/*.mount; do
    [ -f "$file" ] || continue
    read -r first < "$file"
    [ "$first" = "$mark" ] || continue
    name=\${file##*/}
    case $wanted in *" $name "*) continue ;; esac
    take_down "$(sed -n 's/^What=//p' "$file")" "$(sed -n 's/^Where=//p' "$file" | sed 's/%%/%/g')"
    rm -f "$file" "$units/multi-user.target.wants/$name"
    systemctl reset-failed "$name" 2> /dev/null
    changed=yes
  done
}
finish() {
  if [ -n "$changed" ]; then systemctl daemon-reload || status=1; fi
  exit $status
}`;
