import { readdirSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { Run } from "../run.ts";

/** podman's words for what a verb did to a machine (its libpod/events/config.go). */
export type PodmanStatus = "init" | "start" | "stop" | "remove" | "copy";

/** How long a listener may take for one event; a verb must not hang on it. */
const patienceMs = 1000;

/**
 * Tells podman's listeners, such as a desktop, what was done: one JSON object to each socket that is there for it, as podman's client
 * does after a verb that went well (its cmd/podman/machine/machine.go). A listener that is gone is no failure of the verb.
 */
export async function publish(status: PodmanStatus, name: string, run: Pick<Run, "env" | "paths">): Promise<void> {
  const event = JSON.stringify({ Name: name, Status: status, Time: new Date().toISOString(), Type: "machine", Attributes: null });
  await Promise.all(listeners(run).map((path) => send(path, event)));
}

/** The socket that the environment names, else those of podman's runtime folder whose names say it. */
function listeners({ env, paths }: Pick<Run, "env" | "paths">): readonly string[] {
  const named = env["PODMAN_MACHINE_EVENTS_SOCK"];
  if (named) return [named];
  try {
    return readdirSync(paths.podmanRuntime).filter((file) => /machine_events.*\.sock/.test(file)).map((file) => join(paths.podmanRuntime, file));
  } catch {
    return [];
  }
}

function send(path: string, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (): void => {
      socket.destroy();
      resolve();
    };
    socket.setTimeout(patienceMs, end);
    socket.on("error", end);
    socket.on("close", end);
    socket.on("connect", () => socket.end(text));
    // A listener that answers is not listened to, but its end must be seen.
    socket.resume();
  });
}
