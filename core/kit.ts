import { createHash } from "node:crypto";
import { MachineError } from "./errors.ts";
import type { HostFacts } from "./model.ts";
import { socketPathLimit } from "./paths.ts";
import { didYouMean } from "./suggest.ts";

/** What plugin authors need again and again. Pure, but for the questions that they put to the host. */

/** What a program's package is called, by family of systems. */
export interface PackageNames {
  /** Debian, Ubuntu and their like. */
  readonly debian?: string;
  /** Fedora, CentOS, RHEL. */
  readonly fedora?: string;
  readonly arch?: string;
  readonly suse?: string;
  readonly alpine?: string;
  /** Homebrew, on macOS. */
  readonly brew?: string;
}

const installers: readonly { readonly ids: readonly string[]; readonly family: keyof PackageNames; readonly line: string }[] = [
  { ids: ["debian", "ubuntu"], family: "debian", line: "sudo apt install" },
  { ids: ["fedora", "rhel", "centos"], family: "fedora", line: "sudo dnf install" },
  { ids: ["arch"], family: "arch", line: "sudo pacman -S" },
  { ids: ["suse", "opensuse", "sles"], family: "suse", line: "sudo zypper install" },
  { ids: ["alpine"], family: "alpine", line: "sudo apk add" },
];

/** The command that installs a package on this host: "sudo apt install qemu-system-x86". Undefined where we don't know. */
export function installCommand({ os, osRelease }: HostFacts, packages: PackageNames): string | undefined {
  if (os === "darwin") return packages.brew === undefined ? undefined : `brew install ${packages.brew}`;
  const ids = `${osRelease["ID"] ?? ""} ${osRelease["ID_LIKE"] ?? ""}`.split(/[\s-]+/);
  const installer = installers.find((one) => one.ids.some((id) => ids.includes(id)));
  const name = installer && packages[installer.family];
  return name === undefined ? undefined : `${installer?.line} ${name}`;
}

/** Absolute path of a program of the host. Throws MachineError "missing-program" with the command that installs it. */
export function requireProgram(
  host: HostFacts, program: string, options: { readonly plugin: string; readonly packages: PackageNames; readonly folders?: readonly string[]; readonly hint?: string },
): string {
  const found = host.find(program, options.folders ? { folders: options.folders } : {});
  if (found !== undefined) return found;
  const line = installCommand(host, options.packages);
  const install = line === undefined ? `Install ${program}, and put its folder on PATH.` : `\`${line}\` installs it.`;
  throw new MachineError("missing-program", `${program} is not installed`, {
    plugin: options.plugin, hint: options.hint === undefined ? install : `${install} ${options.hint}`,
  });
}

/** First version number that a program prints: "7.2.22". Undefined where it prints none. Rejects as `HostFacts.probe` does. */
export async function programVersion(host: HostFacts, program: string, argv: readonly string[] = ["--version"]): Promise<string | undefined> {
  const { stdout, stderr } = await host.probe(program, argv);
  return findVersion(stdout) ?? findVersion(stderr);
}

/** First version number in a text. */
export function findVersion(text: string): string | undefined {
  return /(?<![\d.])\d+\.\d+(?:\.\d+)*/.exec(text)?.[0];
}

/** Orders dotted versions by their numbers: negative when the first is older. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0)) as [number[], number[]];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Throws MachineError "old-program" when a program is older than what a plugin needs. */
export function checkVersion(found: string | undefined, wanted: { readonly program: string; readonly atLeast: string; readonly plugin: string; readonly hint?: string }): void {
  if (found !== undefined && compareVersions(found, wanted.atLeast) >= 0) return;
  throw new MachineError("old-program", `${wanted.program} is ${found ?? "of an unknown version"}; version ${wanted.atLeast} or newer is needed`, {
    plugin: wanted.plugin, hint: wanted.hint ?? "Install a newer one.",
  });
}

/** Returns the path of a unix socket. Throws MachineError "host-limits" when it is longer than the system takes. */
export function socketPath(path: string): string {
  const length = Buffer.byteLength(path);
  if (length <= socketPathLimit) return path;
  throw new MachineError("host-limits", `the socket path ${path} has ${length} bytes; ${socketPathLimit} is the most that fits`, {
    hint: "Give the machine a shorter name, or set XDG_RUNTIME_DIR to a folder with a shorter path.",
  });
}

/** The name by which the guest mounts a share: it stays the same when other volumes come and go. At most 31 bytes fit for 9p, 36 for virtiofs. */
export function shareTag(target: string): string {
  return `volume-${createHash("sha256").update(target).digest("hex").slice(0, 16)}`;
}

/** Throws MachineError "bad-spec" for an option that a plugin does not have: from YAML and JSON any word can arrive. */
export function checkOptions(plugin: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  if (unknown.length === 0) return;
  const [first = ""] = unknown;
  throw new MachineError("bad-spec", `${plugin} has no option ${unknown.map((option) => JSON.stringify(option)).join(", ")}${didYouMean(first, known)}`, {
    plugin, hint: known.length === 0 ? "It takes none." : `It takes ${known.join(", ")}.`,
  });
}
