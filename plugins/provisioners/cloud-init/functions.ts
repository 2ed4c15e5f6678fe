import { guestFolder } from "glowplug";

/** Files that wait for `apply`, and `apply` itself. Gone when it is done. */
export const laidFolder = `${guestFolder}/cloud-init`;

/** The words that `apply` is made of, for any POSIX shell with GNU's or busybox's small programs. */
export const functions = `# What the draft of this machine says and cloud-init has no words for.
set -u
umask 022

# try WHAT COMMAND...: a failure ends the script with a line that tells what and why.
try() {
  what=$1
  shift
  why=$("$@" 2>&1) && return
  printf '%s: %s\\n' "$what" "$(printf '%s\\n' "\${why:-failed}" | tail -n 1)"
  exit 1
}
folder() { try "folder $4" put_folder "$@"; }
file() { try "file $5" put_file "$@"; }
link() { try "link $2" put_link "$@"; }
user() { try "user $1" check_user "$@"; }

put_folder() { # MODE USER GROUP PATH
  mkdir -p "$4" && chown "$2:$3" "$4" && chmod "$1" "$4" && label "$4"
}
put_file() { # NAME MODE USER GROUP PATH [keep]
  if [ "\${6:-}" = keep ] && there "$5"; then return; fi
  new=$5.glowplug-new
  mkdir -p "\${5%/*}/" && (umask 077 && cp "${laidFolder}/$1" "$new") && chown "$3:$4" "$new" && chmod "$2" "$new" && clear_way "$5" && mv -f "$new" "$5" && label "$5"
}
put_link() { # TARGET PATH [keep]
  if [ "\${3:-}" = keep ] && there "$2"; then return; fi
  if [ -L "$2" ] && [ "$(readlink "$2")" = "$1" ]; then return; fi
  mkdir -p "\${2%/*}/" && rm -rf "$2" && ln -s "$1" "$2" && label "$2"
}
there() { [ -e "$1" ] || [ -L "$1" ]; }
# A file takes the place of a folder, and of a link instead of what it leads to.
clear_way() {
  if [ -L "$1" ] || [ -d "$1" ]; then rm -rf "$1"; fi
}
label() {
  if command -v restorecon > /dev/null; then restorecon "$1" || :; fi
}

# cloud-init makes a user and never changes one that the image has. Groups are there already.
check_user() { # NAME UID SHELL GROUP...
  name=$1 uid=$2 shell=$3
  shift 3
  its=$(id -u "$name") || return
  if [ -n "$uid" ] && [ "$its" != "$uid" ]; then
    echo "it has the id $its and should have $uid"
    return 1
  fi
  if [ -n "$shell" ] && [ "$(awk -F: -v name="$name" '$1 == name { print $7 }' /etc/passwd)" != "$shell" ]; then usermod -s "$shell" "$name" || return; fi
  for group; do
    case " $(id -nG "$name") " in *" $group "*) continue ;; esac
    if command -v usermod > /dev/null; then usermod -a -G "$group" "$name"; else addgroup "$name" "$group"; fi || return
  done
}

# Of the units that run, those whose files have changed since systemd read them.
outdated() {
  for pattern; do
    for unit in $(systemctl list-units --plain --no-legend --state=active "$pattern" | awk '{ print $1 }'); do
      [ "$(systemctl show --property NeedDaemonReload --value "$unit")" != yes ] || echo "$unit"
    done
  done
}
turn_off() {
  for unit; do
    systemctl --no-reload --quiet disable "$unit" 2> /dev/null
    systemctl stop "$unit" 2> /dev/null || :
  done
}
turn_on() {
  for unit; do systemctl --no-reload --quiet enable "$unit" || echo "the unit $unit is not there"; done
}
# Starts what this boot would have started, had it been enabled from the first: what is wanted by something that is up or on its way.
begin() {
  for unit; do
    for target in $(systemctl show --property WantedBy --property RequiredBy --value "$unit"); do
      if systemctl --quiet is-active "$target" || [ -n "$(systemctl show --property Job --value "$target")" ]; then
        systemctl --no-block start "$unit"
        break
      fi
    done
  done
}

mount_share() { # TARGET LINE
  mkdir -p "$1"
  grep -qxF "$2" /etc/fstab || printf '%s\\n' "$2" >> /etc/fstab
  mount "$1" || :
}
`;
