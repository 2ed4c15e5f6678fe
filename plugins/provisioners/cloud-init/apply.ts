import { mountUnits, quote, type GuestDraft, type GuestFolder, type GuestMount, type GuestUnit, type GuestUser } from "glowplug";
import { functions } from "./functions.ts";
import { placeFiles, placeFolders } from "./placement.ts";

/** Where systemd looks first. */
export const unitFolder = "/etc/systemd/system";

/**
 * The part of a draft that cloud-init has no words for, as a script of root's: folders, files of users, links, units. It can be
 * run again. What it prints last, when it fails, is the reason.
 */
export function applyScript(guest: GuestDraft): string {
  const lines = [
    ...guest.users.filter(({ absent }) => !absent).map(userLine),
    ...placeFolders(guest).map((folder) => call("folder", ...ownership(folder, 0o755), folder.path)),
    ...placeFiles(guest).late.map(({ name, file }) => call("file", name, ...ownership(file, 0o644), file.path, ...(file.overwrite === false ? ["keep"] : []))),
    ...guest.links.map(({ path, target, overwrite = true }) => call("link", target, path, ...(overwrite ? [] : ["keep"]))),
  ];
  return `${functions}\n${lines.join("\n")}\nif [ -d /run/systemd/system ]; then\n${unitLines(guest).map(indent).join("\n")}\nelse\n${otherLines(guest).map(indent).join("\n")}\nfi\n`;
}

function userLine({ name, uid, shell, groups = [] }: GuestUser): string {
  return call("user", name, uid === undefined ? "" : String(uid), shell ?? "", ...groups);
}

/** Mode, user and group of a file or folder. */
function ownership({ mode, user = "root", group = user }: GuestFolder, usual: number): string[] {
  return [(mode ?? usual).toString(8).padStart(4, "0"), user, group];
}

/** Mounts first: what is started after them may use them. */
export function allUnits({ mounts, units }: GuestDraft): readonly GuestUnit[] {
  return [...mountUnits(mounts), ...units];
}

/** Masks first, so that nothing of theirs starts; what runs with settings of before the reload is told by systemd itself. */
function unitLines(guest: GuestDraft): string[] {
  const units = allUnits(guest);
  const named = (which: (unit: GuestUnit) => unknown): string[] => units.filter(which).map(({ name }) => name);
  const masked = named(({ mask }) => mask);
  const enabled = named(({ enabled: on, mask }) => on === true && !mask);
  const changed = named(({ content, dropins = [] }) => content !== undefined || dropins.length > 0).filter((name) => /\.(service|socket|timer|path)$/.test(name));
  return [
    `stale=$(outdated ${changed.map(pattern).join(" ")})`,
    ...masked.map((name) => call("link", "/dev/null", `${unitFolder}/${name}`)),
    ...lineOf("turn_off", named(({ enabled: on, mask }) => mask || on === false)),
    ...lineOf("turn_on", enabled),
    "systemctl daemon-reload",
    '[ -z "$stale" ] || systemctl --no-block try-restart $stale',
    ...lineOf("begin", enabled),
  ];
}

/** Without systemd there are mounts, by the table of file systems, and no units; `every-boot` does the work of ours. */
function otherLines({ mounts, units }: GuestDraft): string[] {
  const others = units.filter(({ name, content }) => content !== undefined && !name.startsWith("glowplug-")).map(({ name }) => name);
  const said = others.length === 0 ? [] : [call("echo", `no systemd runs here: nothing is done about ${others.join(" ")}`)];
  return [...mounts.map(mountLine), ...said, ":"];
}

function mountLine({ tag, kind, target, readOnly }: GuestMount): string {
  const options = [...(kind === "9p" ? ["trans=virtio", "version=9p2000.L", "msize=131072"] : []), readOnly ? "ro" : "rw", "nofail"];
  // fstab(5): blanks are written as octal numbers.
  return call("mount_share", target, `${tag} ${target.replaceAll(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`)} ${kind} ${options.join(",")} 0 0`);
}

function lineOf(name: string, words: readonly string[]): string[] {
  return words.length === 0 ? [] : [call(name, ...words)];
}

function call(name: string, ...words: readonly string[]): string {
  return [name, ...words.map((word) => (word === "" ? "''" : quote(word)))].join(" ");
}

/** Every unit of a template, and a backslash as itself, in systemctl's patterns. */
function pattern(name: string): string {
  return quote(name.replaceAll("\\", "\\\\").replace(/@\./, "@*."));
}

function indent(line: string): string {
  return `  ${line}`;
}
