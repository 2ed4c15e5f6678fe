import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { HostFacts } from "glowplug";

/**
 * A fence around gvproxy: whoever is in the guest may ask it to "expose" the protocol unix at any path, upon which it deletes what
 * is there and makes a socket of it, with the user's rights. Inside a fence it can write in its own folder alone.
 */
export interface Fence {
  readonly program: string;
  /** What stands before gvproxy's own words: the fence's, and gvproxy's path. */
  readonly words: readonly string[];
}

/** The first fence that this host lets us build: each is tried around `gvproxy -version`. Undefined where there is none. */
export async function findFence(host: HostFacts, folder: string, gvproxy: string): Promise<Fence | undefined> {
  for (const { program, words } of fencesOf(host, gvproxy)) {
    const found = host.find(program);
    if (found !== undefined && (await holds(host, found, [...words(), gvproxy]))) return { program: found, words: [...words(realOf(host, folder)), gvproxy] };
  }
  return undefined;
}

/** What a user is told where there is no fence. */
export function unfenced({ os }: HostFacts): string {
  const hint = os === "linux" ? ": install bubblewrap to keep it from that, or a setpriv (util-linux 2.41) that knows Landlock" : "";
  return `gvproxy runs unfenced: whoever has the guest can make it replace files of yours by sockets${hint}.`;
}

/** A program that runs another under a restriction. */
interface Candidate {
  readonly program: string;
  /** Its words up to the fenced program. Without a folder to write in they are for a trial. */
  words(folder?: string): readonly string[];
}

function fencesOf(host: HostFacts, gvproxy: string): readonly Candidate[] {
  if (host.os === "darwin") return [{ program: "sandbox-exec", words: (folder = "/var/empty") => ["-D", `FOLDER=${folder}`, "-p", sandboxProfile] }];
  const setpriv = host.find("setpriv");
  const bubblewrap = (...end: readonly string[]): Candidate => ({ program: "bwrap", words: (folder) => [...bubblewrapWords(host, gvproxy, folder), ...end] });
  return [
    // bubblewrap stays as gvproxy's parent, and gvproxy goes with it; both outlive a keeper that is killed.
    ...(setpriv === undefined ? [] : [bubblewrap("--", setpriv, "--pdeathsig", "KILL", "--")]),
    // Where user namespaces are forbidden: Landlock, of Linux 5.13 and later.
    ...(setpriv === undefined ? [] : [{ program: setpriv, words: (folder?: string) => landlockWords(host, folder) }]),
    // A setpriv of busybox's knows no --pdeathsig. Then gvproxy does go with the keeper, and the next one starts it anew.
    bubblewrap("--die-with-parent", "--"),
  ];
}

/** The host's files read-only, the home folder empty, no capability: as root it cannot open a port below 1024 either. */
function bubblewrapWords(host: HostFacts, gvproxy: string, folder: string | undefined): readonly string[] {
  const home = host.firstFile([host.home]) === undefined ? undefined : realOf(host, host.home);
  // It is called by the name that it was found by, which may be a link's: from the home folder, into it, or past it.
  const file = realOf(host, gvproxy);
  const link = join(realOf(host, dirname(gvproxy)), basename(gvproxy));
  const shown = [file, ...(link !== file && home !== undefined && link.startsWith(`${home}/`) ? [link] : [])].flatMap((path) => ["--ro-bind", file, path]);
  const hidden = home === undefined || home === "/" ? [] : ["--tmpfs", home, ...shown, "--remount-ro", home];
  return ["--ro-bind", "/", "/", ...hidden, ...(folder === undefined ? [] : ["--bind", folder, folder]), "--cap-drop", "ALL"];
}

/** Rights that are named are forbidden everywhere but where a rule gives them back (kernel.org, userspace-api/landlock). Reading is not named. */
function landlockWords({ uid }: HostFacts, folder: string | undefined): readonly string[] {
  const capabilities = uid === 0 ? ["--inh-caps", "-all", "--bounding-set", "-all"] : [];
  const forbidden = "fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym";
  return ["--no-new-privs", ...capabilities, "--landlock-access", forbidden, ...(folder === undefined ? [] : ["--landlock-rule", `path-beneath:make-sock,remove-file:${folder}`]), "--"];
}

/** sandbox-exec(1). It runs gvproxy in its own place, so nothing of it stays. */
const sandboxProfile = '(version 1)(allow default)(deny file-write*)(allow file-write* (subpath (param "FOLDER")) (literal "/dev/null"))';

/** On a host that cannot be asked we trust that it does. */
async function holds(host: HostFacts, program: string, argv: readonly string[]): Promise<boolean> {
  if (!host.local) return true;
  const { exitCode, stderr } = await host.probe(program, [...argv, "-version"]).catch(() => ({ exitCode: 1, stderr: "" }));
  return exitCode === 0 || /flag provided but not defined/.test(stderr);
}

/** A path without symbolic links, as far as it is there: none of the fences looks through them. */
function realOf(host: HostFacts, path: string): string {
  if (!host.local || path === dirname(path)) return path;
  try {
    return realpathSync(path);
  } catch {
    return join(realOf(host, dirname(path)), basename(path));
  }
}
