import { accessSync, constants, existsSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { arch, availableParallelism, endianness, homedir, totalmem } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { MachineError } from "./errors.ts";
import { helperFoldersOf } from "./helper-folders.ts";
import type { Architecture, HostFacts, HostOs } from "./model.ts";
import { createPaths, type Paths } from "./paths.ts";
import { runProgram } from "./process.ts";
import { noTrace, type Trace } from "./run.ts";
import { isTrustedTool, unpackedTools, type UnpackedTools } from "./unpacked-tools.ts";

/** The one place that reads the process's environment and `node:os`. Everybody else is handed facts. */

/** Everything in the environment. For the children that the keeper spawns, which take a few of them. */
export function environmentOfProcess(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** The variables that settings are read from: ours, podman's and docker's, and the name of the user's shell. */
export function settingsOfProcess(): Readonly<Record<string, string | undefined>> {
  return subset(process.env, (key) => /^((GLOWPLUG|CONTAINERS?|PODMAN|DOCKER)_|SHELL$)/.test(key));
}

/** Our folders, from this process's environment. Throws MachineError "unsupported-host" where there is no home and our folders are not named. */
export function pathsOfProcess(): Paths {
  return createPaths({ os: osOfProcess(), uid: uidOfProcess(), get home() { return homeOfProcess(); }, env: process.env, isOwned });
}

/** The folder that we were called in. Throws MachineError "not-found" where it was removed. */
export function folderOfProcess(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new MachineError("not-found", "the folder that glowplug was called in is not there any more", { cause, hint: "Change to another one." });
  }
}

/** HOME, else what the system's list of users says. */
function homeOfProcess(): string {
  try {
    const home = homedir();
    if (isAbsolute(home)) return home;
  } catch {
    // This user stands in no list.
  }
  throw new MachineError("unsupported-host", "there is no home folder: HOME is not set, and the system knows none for this user", {
    hint: "Set HOME, or name our folders by XDG_DATA_HOME, XDG_CACHE_HOME and XDG_CONFIG_HOME.",
  });
}

/** The facts of the host we run on. Reads small files; runs nothing. Programs that are probed later get spans in the trace. */
export function hostOfProcess(paths: Paths = pathsOfProcess(), trace: Trace = noTrace): HostFacts {
  const os = osOfProcess();
  let flags: readonly string[] | undefined;
  let named: readonly string[] | undefined;
  let unpacked: UnpackedTools | undefined;
  return {
    os, arch: architectureOfProcess(), cpus: availableParallelism(), memory: totalmem(), uid: uidOfProcess(), gid: process.getgid?.() ?? 0,
    get home() { return homeOfProcess(); }, timezone: readTimezone(), osRelease: readOsRelease(), local: true,
    env: subset(process.env, (key) => /^((https?|ftp|no|all)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i.test(key)),
    get cpuFlags() {
      return (flags ??= readCpuFlags());
    },
    find: (program, { folders = [] } = {}) => {
      if (isAbsolute(program)) return isProgram(program) ? program : undefined;
      named ??= helperFoldersOf(paths.podman);
      const { folders: ours } = (unpacked ??= unpackedTools(paths.tools, uidOfProcess()));
      return [...helperFolders(os, ours, named), ...folders, ...searchFolders()].map((folder) => join(folder, program))
        .find((path) => isProgram(path) && (!ours.includes(dirname(path)) || isTrustedTool(path, uidOfProcess())));
    },
    probe: (program, argv, { timeoutMs = 10_000, input } = {}) => runProgram(program, argv, { timeoutMs, trace, env: { LC_ALL: "C" }, ...(input !== undefined && { input }) }),
    firstFile: (candidates) => candidates.find((path) => existsSync(path)),
  };
}

/** The facts of a host that is not here, for `plan --host darwin/arm64`. What cannot be known is what such a host usually has. */
export function foreignHost(name: string): HostFacts {
  const [osWord = "", archWord = "", ...rest] = name.toLowerCase().split("/");
  const os = new Map<string, HostOs>([["linux", "linux"], ["darwin", "darwin"], ["macos", "darwin"]]).get(osWord);
  const architecture = Object.hasOwn(architectures, archWord) ? architectures[archWord] : undefined;
  if (!os || !architecture || rest.length > 0) {
    throw new MachineError("usage", `${JSON.stringify(name)} is no host`, { hint: "Write OS/ARCH: linux/amd64, linux/arm64, darwin/amd64 or darwin/arm64." });
  }
  const mac = os === "darwin";
  return {
    os, arch: architecture, cpus: 8, memory: 16 * 2 ** 30, cpuFlags: architecture === "x86_64" ? ["vmx"] : [],
    uid: mac ? 501 : 1000, gid: mac ? 20 : 1000, home: mac ? "/Users/user" : "/home/user", timezone: "UTC", env: {}, osRelease: {}, local: false,
    find: (program) => basename(program),
    probe: (program) => Promise.reject(new MachineError("unsupported-host", `${basename(program)} cannot be asked: the plan is for ${name}, not for this host`)),
    firstFile: ([first]) => first,
  };
}

/** Our folders on a host that is not here. */
export function pathsOfHost({ os, uid, home }: HostFacts): Paths {
  return createPaths({ os, uid, home, env: {}, isOwned: () => true });
}

const architectures: Readonly<Record<string, Architecture>> = {
  x64: "x86_64", amd64: "x86_64", x86_64: "x86_64", arm64: "aarch64", aarch64: "aarch64", ppc64le: "ppc64le", s390x: "s390x",
};

function osOfProcess(): HostOs {
  const { platform } = process;
  if (platform === "linux" || platform === "darwin") return platform;
  throw new MachineError("unsupported-host", `glowplug runs on Linux and macOS; this is ${platform}`);
}

function architectureOfProcess(): Architecture {
  const word = arch() === "ppc64" && endianness() === "LE" ? "ppc64le" : arch();
  const found = architectures[word];
  if (found) return found;
  throw new MachineError("unsupported-host", `no machine can be run on the processor architecture ${word}`);
}

function uidOfProcess(): number {
  return process.getuid?.() ?? 0;
}

function subset(env: NodeJS.ProcessEnv, wanted: (key: string) => boolean): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([key]) => wanted(key)));
}

/**
 * Folders that are looked into before PATH: the one that CONTAINERS_HELPER_BINARY_DIR names, as podman does; those of
 * helper_binaries_dir in its containers.conf; what our set-up unpacked, at tools/NAME/usr/bin; then podman's own
 * (go.podman.io/common, pkg/config/config_linux.go and config_darwin.go).
 */
function helperFolders(os: HostOs, unpacked: readonly string[], configured: readonly string[]): string[] {
  const named = process.env["CONTAINERS_HELPER_BINARY_DIR"];
  const podman = ["/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman", "/usr/lib/podman"];
  const mac = ["/opt/podman/bin", "/usr/local/opt/podman/libexec/podman", "/opt/homebrew/opt/podman/libexec/podman", "/opt/homebrew/bin", "/usr/local/bin"];
  return [...(named ? [named] : []), ...configured, ...unpacked, ...(os === "darwin" ? mac : []), ...podman];
}

/** PATH, but for entries relative to wherever we happen to be, then the folders of root's programs that an ordinary PATH leaves out. */
function searchFolders(): string[] {
  const listed = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  return [...listed, "/usr/local/sbin", "/usr/sbin", "/sbin"];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isOwned(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === uidOfProcess();
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Words of the first processor's "flags" line; AArch64 calls it "Features". */
function readCpuFlags(): readonly string[] {
  return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readText("/proc/cpuinfo"))?.[1]?.split(/\s+/).filter(Boolean) ?? [];
}

/** os-release(5): shell assignments, values quoted where needed. */
function readOsRelease(): Record<string, string> {
  const text = readText("/etc/os-release") || readText("/usr/lib/os-release");
  return Object.fromEntries([...text.matchAll(/^([A-Z][A-Z0-9_]*)=(?:"([^"]*)"|'([^']*)'|(.*))$/gm)].map(([, key = "", double, single, bare]) => [key, double ?? single ?? bare ?? ""]));
}

/** TZ, the link /etc/localtime, Debian's /etc/timezone, what the runtime thinks: the first that is an IANA name. */
function readTimezone(): string {
  const candidates = [
    () => checkedZone(process.env["TZ"]?.replace(/^:/, "")),
    // A link that leads to a file is believed as it stands: the first use of Intl takes 10 ms.
    () => (existsSync("/etc/localtime") ? /zoneinfo\/(?:posix\/|right\/)?([A-Z][\w+/-]*)$/i.exec(readlinkSync("/etc/localtime"))?.[1] : undefined),
    () => checkedZone(readText("/etc/timezone").trim()),
    () => checkedZone(Intl.DateTimeFormat().resolvedOptions().timeZone),
  ];
  for (const candidate of candidates) {
    try {
      const name = candidate();
      if (name !== undefined) return name;
    } catch {
      // No link, or no such zone; the next may know.
    }
  }
  return "UTC";
}

/** A name of a time zone; undefined for anything else. Throws RangeError where Intl does not know it. */
function checkedZone(name: string | undefined): string | undefined {
  if (name === undefined || !/^[A-Za-z][\w+/-]*$/.test(name)) return undefined;
  return Intl.DateTimeFormat("en", { timeZone: name }) && name;
}
