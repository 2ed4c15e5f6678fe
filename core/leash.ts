import { spawn } from "node:child_process";
import type { Writable } from "node:stream";

/** How long a program has to obey SIGTERM, in seconds. */
const graceSeconds = 5;

/** Its input ends with us, however that comes: then it ends the group of "$1", and is last itself. */
const script = `read -r nothing; kill -TERM "-$1" && sleep ${graceSeconds} && kill -KILL "-$1"`;

/**
 * Has a program that leads a group of its own end with this process, also where that is killed: else one that prints nothing would go on for nobody.
 * A shell watches a pipe of ours for that; it is in a session of its own, since a signal for us is none for it. Returns what takes the leash off.
 */
export function leash(pid: number): () => void {
  const watcher = spawn("/bin/sh", ["-c", script, "leash", String(pid)], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  // Without one the program goes on for a while.
  watcher.on("error", () => {});
  const input: Writable | undefined = watcher.stdin; // not there where this process may open no more files
  input?.on("error", () => {});
  watcher.unref();
  return () => {
    watcher.kill("SIGKILL");
    input?.destroy();
  };
}
