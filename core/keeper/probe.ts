import { request } from "node:http";
import { MachineError } from "../errors.ts";

/** Asks a path over a unix socket and resolves at a 200. */
export function probeSocket(socketPath: string, path: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, signal, headers: { host: "localhost" } }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve();
        else reject(new MachineError("podman-api", `${path} on ${socketPath} answered ${answer.statusCode}`));
      });
    });
    sent.on("error", (cause) => reject(new MachineError("podman-api", `${path} on ${socketPath} did not answer: ${cause.message}`, { cause })));
    sent.end();
  });
}
