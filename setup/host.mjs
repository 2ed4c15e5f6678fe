// @ts-check
/** What set-up needs to know of this host. */
import { accessSync, constants, existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { debianReleases } from "./packages.mjs";

/** Where programs are unpacked to; the same folder as in core/paths.ts, which only runs once the packages are there. @returns {string} */
export function toolsFolder() {
  const named = process.env["XDG_DATA_HOME"];
  const data = named?.startsWith("/") ? named : join(homedir(), process.platform === "darwin" ? "Library/Application Support" : ".local/share");
  return join(data, "glowplug/tools");
}

/** Whether a need is met: a program on PATH, in root's folders, among our tools or podman's helpers, or a file. @param {string} program */
export function isThere(program) {
  return isAbsolute(program) ? existsSync(program) : programFolders().some((folder) => isProgram(join(folder, program)));
}

/** os-release(5) as a map; empty where there is none. @returns {Record<string, string>} */
export function readOsRelease() {
  const file = ["/etc/os-release", "/usr/lib/os-release"].find((path) => existsSync(path));
  return file === undefined ? {} : parseOsRelease(readFileSync(file, "utf8"));
}

/** @param {string} text @returns {Record<string, string>} */
export function parseOsRelease(text) {
  return Object.fromEntries([...text.matchAll(/^([A-Z][A-Z0-9_]*)=["']?(.*?)["']?$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

/** Debian, Ubuntu and what descends from them. @param {Record<string, string>} release */
export function isDebianLike(release) {
  return /\b(debian|ubuntu)\b/.test(`${release["ID"] ?? ""} ${release["ID_LIKE"] ?? ""}`);
}

/**
 * The suite that a tool is taken from: this release's own once it has the tool, before that the first Debian release that does.
 * @param {Record<string, string>} release
 * @param {number} since the first Debian release with the tool
 * @param {boolean} [pinned] whether that one alone has it
 * @returns {{ codename: string, suite: string }}
 */
export function suiteFor(release, since, pinned = false) {
  const codename = release["UBUNTU_CODENAME"] || release["VERSION_CODENAME"] || "";
  const old = pinned || (release["ID"] === "debian" && Number(release["VERSION_ID"] || Infinity) < since);
  return { codename, suite: old ? (debianReleases[since] ?? codename) : codename };
}

function programFolders() {
  const tools = toolsFolder();
  const unpacked = existsSync(tools) ? readdirSync(tools).map((name) => join(tools, name, "usr/bin")) : [];
  const helpers = ["/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman", "/usr/lib/podman", "/usr/libexec", "/opt/podman/bin", "/opt/homebrew/bin", "/opt/homebrew/opt/podman/libexec/podman"];
  return [...unpacked, ...(process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute), "/usr/local/sbin", "/usr/sbin", "/sbin", ...helpers];
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
