import type { AfterStartEvent } from "../hooks/index.ts";
import { quote } from "./command.ts";
import { MachineError } from "./errors.ts";
import { execAsRoot } from "./guest-root.ts";

/** What shall be at a path of the guest. */
export type SyncedPath =
  /** A file with this text. Mode: default 0o644. With `ifThere` nothing is done where there is none. */
  | { readonly path: string; readonly content: string; readonly mode?: number; readonly ifThere?: boolean }
  /** A symbolic link to something that is there; relative to the link's folder. */
  | { readonly path: string; readonly link: string }
  /** Nothing. */
  | { readonly path: string; readonly absent: true };

export interface SyncOptions {
  /** The plugin's name: for errors, and for the note in the guest that a change is not finished. */
  readonly plugin: string;
  /** Shell text that root runs after a change. When it fails, it runs again at the next call, changes or not. Default: none. */
  readonly onChange?: string;
  /** Hint of the error when something fails. */
  readonly hint?: string;
}

/**
 * Brings files of the running guest up to date as root, by one command, and tells whether anything had to change. What is right
 * already is not touched. Contents travel on standard input, so none shows in a list of processes; each file is replaced as a whole.
 * Throws MachineError "ssh" with what the guest said.
 */
export async function syncGuestFiles({ ssh, machine, signal }: Pick<AfterStartEvent, "ssh" | "machine" | "signal">, paths: readonly SyncedPath[], options: SyncOptions): Promise<boolean> {
  const script = `note=${quote(`/var/lib/glowplug/unfinished/${options.plugin}`)}\nfinish() {\n:\n${options.onChange ?? ""}\n}\n${functions}\n${paths.map(step).join("\n")}\n${ending}`;
  const input = paths.map((entry) => ("content" in entry ? entry.content : "")).join("");
  const { exitCode, stdout, stderr } = await execAsRoot(ssh, machine.user, ["/bin/sh", "-c", script], { input, signal });
  if (exitCode === 0) return stdout.trim() === "changed";
  const why = stderr.trim().split("\n").at(-1) || `exit status ${exitCode}`;
  throw new MachineError("ssh", `cannot bring ${paths.map(({ path }) => path).join(", ")} in the guest up to date: ${why}`, {
    plugin: options.plugin, stage: "afterStart", details: stderr.trim().split("\n").slice(-8), ...(options.hint !== undefined && { hint: options.hint }),
  });
}

function step(entry: SyncedPath): string {
  const path = quote(entry.path);
  if ("content" in entry) return `put ${path} ${(entry.mode ?? 0o644).toString(8)} ${Buffer.byteLength(entry.content)}${entry.ifThere ? " if-there" : ""}`;
  return "link" in entry ? `link ${path} ${quote(entry.link)}` : `drop ${path}`;
}

/** For any POSIX shell with GNU's or busybox's small programs. The new file lies beside the old one, so that a rename replaces it. */
const functions = `set -eu
umask 022
changed=
if [ -e "$note" ]; then changed=yes; fi
fail() {
  echo "$1" >&2
  exit 1
}
begin() {
  changed=yes
  mkdir -p "\${note%/*}"
  : > "$note"
}
place() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then fail "$1 is a folder"; fi
  begin
  mv -f "$new" "$1"
  if command -v restorecon > /dev/null; then restorecon "$1" || :; fi
}
put() {
  if [ -n "\${4:-}" ] && [ ! -e "$1" ]; then
    dd of=/dev/null bs="$3" count=1 iflag=fullblock 2> /dev/null
    return
  fi
  mkdir -p "\${1%/*}"
  new=$1.glowplug-new
  rm -f "$new"
  (umask 077; : > "$new")
  if [ "$3" -gt 0 ]; then dd of="$new" bs="$3" count=1 iflag=fullblock 2> /dev/null; fi
  if [ "$(stat -c %s "$new")" != "$3" ]; then fail "the content of $1 did not arrive"; fi
  chmod "$2" "$new"
  if [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %a "$1")" = "$2" ] && cmp -s "$new" "$1"; then rm -f "$new"; else place "$1"; fi
}
link() {
  if [ "$(readlink "$1")" = "$2" ]; then return; fi
  mkdir -p "\${1%/*}"
  (cd "\${1%/*}" && [ -e "$2" ]) || fail "$2 is not there"
  new=$1.glowplug-new
  ln -snf "$2" "$new"
  place "$1"
}
drop() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    begin
    rm -f "$1"
  fi
}`;
const ending = `if [ -n "$changed" ]; then
  finish < /dev/null >&2
  rm -f "$note"
  echo changed
fi`;
