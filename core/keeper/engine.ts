import { request, type IncomingMessage } from "node:http";
import { MachineError } from "../errors.ts";
import { isObject } from "../json.ts";

/** A port that a container publishes in the guest. */
export interface PublishedPort {
  /** Address that it is bound to in the guest; empty for all. */
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  /** Its container, for messages. */
  readonly container: string;
}

/** Longest list of containers and longest line of an event, in bytes. */
const longestText = 16 * 2 ** 20;

/** Ports that the running containers publish, as the engine behind a socket tells (Docker Engine API 1.40, ContainerList; podman serves it). */
export async function publishedPorts(socketPath: string, signal: AbortSignal): Promise<readonly PublishedPort[]> {
  const answer = await get(socketPath, "/v1.40/containers/json", signal);
  let text = "";
  for await (const part of answer.setEncoding("utf8") as AsyncIterable<string>) {
    text += part;
    if (text.length > longestText) throw bad(socketPath, "its list of containers is too long");
  }
  return readPublished(text, socketPath);
}

/** What ContainerList says of ports. A range is a row for each of its ports. Throws MachineError "podman-api" for what is no such list. */
export function readPublished(text: string, socketPath: string): readonly PublishedPort[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw bad(socketPath, "its list of containers is no JSON", cause);
  }
  if (!Array.isArray(list)) throw bad(socketPath, "its list of containers is no list");
  return list.flatMap((container: unknown) => {
    if (!isObject(container) || !Array.isArray(container["Ports"])) return [];
    const [name] = Array.isArray(container["Names"]) ? (container["Names"] as unknown[]) : [];
    return container["Ports"].flatMap((row: unknown): PublishedPort[] => {
      if (!isObject(row)) return [];
      const { IP = "", PublicPort: port, Type: protocol } = row;
      if (typeof IP !== "string" || typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535 || (protocol !== "tcp" && protocol !== "udp")) return [];
      return [{ address: IP, port, protocol, container: typeof name === "string" ? name.replace(/^\//, "") : "a container" }];
    });
  });
}

/** Calls back whenever a container starts or ends, until the engine hangs up. Calls `begun` once it listens, so that nothing is missed between. */
export async function followContainers(socketPath: string, signal: AbortSignal, told: { begun(): void; changed(): void }): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ type: ["container"], event: ["start", "restart", "unpause", "die", "died", "stop", "remove"] }));
  const answer = await get(socketPath, `/v1.40/events?filters=${filters}`, signal);
  told.begun();
  for await (const _ of answer) told.changed();
}

function get(socketPath: string, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, signal, headers: { host: "localhost" } }, (answer) => {
      if (answer.statusCode === 200) return resolve(answer);
      answer.resume();
      reject(bad(socketPath, `${path.split("?")[0]} answered ${answer.statusCode}`));
    });
    sent.on("error", (cause) => reject(bad(socketPath, cause.message, cause)));
    sent.end();
  });
}

function bad(socketPath: string, why: string, cause?: unknown): MachineError {
  return new MachineError("podman-api", `the container engine behind ${socketPath} does not tell its ports: ${why}`, { cause });
}
