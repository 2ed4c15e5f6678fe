import { rmSync } from "node:fs";
import { request } from "node:http";
import { spawnChild, endChild } from "../../core/keeper/child.ts";
import { waitListening } from "../../core/keeper/listening.ts";
import type { KeeperPlan } from "../../core/keeper/plan.ts";
import { openFolders } from "../../core/keeper/seal.ts";

/** Starts a planned forwarder in place of one that is gone, and waits until it listens. To be ended by whoever asked for it. */
export async function startForwarder({ command, listens }: NonNullable<KeeperPlan["forwarder"]>, logFile: string, environment: NodeJS.ProcessEnv): Promise<{ end(): Promise<void> }> {
  openFolders(listens);
  for (const path of listens) rmSync(path, { force: true });
  const child = await spawnChild(command, "forwarder", logFile, environment);
  const death = child.exited.then(() => Promise.reject(new Error(`${child.name} ended; see ${logFile}`)));
  death.catch(() => {});
  await waitListening(listens, { timeoutMs: 20_000, signal: new AbortController().signal, who: child.name, death });
  return { end: () => endChild(child, 2000) };
}

/** Asks gvproxy's interface on a socket; a POST where there is a body. */
export function post(socketPath: string, path: string, body?: object): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((done, reject) => {
    const sent = request({ socketPath, path, method: body === undefined ? "GET" : "POST" }, (answer) => {
      let text = "";
      answer.on("data", (bytes: Buffer) => (text += bytes.toString()));
      answer.on("end", () => done({ status: answer.statusCode, text }));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}
