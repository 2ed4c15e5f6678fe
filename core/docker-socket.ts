import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { freshNameFor } from "./atomic.ts";
import type { HostFacts } from "./model.ts";
import type { Paths } from "./paths.ts";

/** How /var/run/docker.sock is made to lead to a machine on macOS, where podman's helper is installed: it runs as root, and makes that link when it is asked. */
export interface DockerClaim {
  /** What the helper makes docker.sock lead to, and what we make lead to the machine's socket. */
  readonly link: string;
  /** Where the helper listens. */
  readonly helper: string;
}

/** Undefined where there is no such helper. Files as podman-mac-helper makes them (cmd/podman-mac-helper, pkg/machine/qemu/claim_darwin.go). */
export function planDockerClaim({ os, home, firstFile }: Pick<HostFacts, "os" | "home" | "firstFile">, { podman }: Pick<Paths, "podman">): DockerClaim | undefined {
  const user = basename(home);
  const plist = `/Library/LaunchDaemons/com.github.containers.podman.helper-${user}.plist`;
  if (os !== "darwin" || firstFile([plist]) === undefined) return undefined;
  return { link: join(podman.machineData, "podman.sock"), helper: `/private/var/run/podman-helper-${user}.socket` };
}

/** Makes docker.sock lead to a machine's socket, unless it leads to another one that answers: the first that runs keeps it, as with podman. True when it does. */
export async function claimDockerSocket({ link, helper }: DockerClaim, socket: string): Promise<boolean> {
  const before = targetOf(link);
  if (before !== undefined && before !== socket && (await say(before, "", 1000)) !== undefined) return false;
  if (before !== socket) {
    mkdirSync(dirname(link), { recursive: true });
    const fresh = freshNameFor(link);
    rmSync(fresh, { force: true });
    symlinkSync(socket, fresh);
    renameSync(fresh, link);
  }
  return (await say(helper, "GO\n", 5000))?.startsWith("OK") ?? false;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** What a socket answers, as far as it comes at once; without words the connection alone counts. Undefined where nobody listens, or nothing comes in time. */
function say(path: string, words: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answer: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.once("error", () => end(undefined));
    socket.once("connect", () => (words === "" ? end("") : socket.write(words)));
    socket.once("data", (bytes: Buffer) => end(bytes.toString()));
    socket.once("close", () => end(undefined));
  });
}
