import { request } from "node:http";
import { MachineError } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import type { ExposeMethod, HttpCall } from "../roles/forwarder.ts";

/** What opening a port may need of the running machine. */
export interface ExposeContext {
  /** Runs a line of the VM's human monitor. */
  monitor(line: string): Promise<string>;
  /** Listens on the host and carries connections over ssh. */
  carry(port: ResolvedPort): Promise<{ close(): Promise<void> }>;
}

/** Opens and closes ports of the host in the way that the forwarder described. */
export class Exposer {
  readonly #method: ExposeMethod;
  readonly #context: ExposeContext;
  readonly #carried = new Map<string, { close(): Promise<void> }>();

  constructor(method: ExposeMethod, context: ExposeContext) {
    this.#method = method;
    this.#context = context;
  }

  /** Throws MachineError "port-taken" when the host's port is not free, "helper-exited" when the forwarder does not answer. */
  async open(port: ResolvedPort): Promise<void> {
    const method = this.#method;
    if (method.kind === "http") await post(method.socket, fill(method.add, port), port);
    else if (method.kind === "monitor") refuse(port, await this.#context.monitor(fillText(method.add, port)));
    else this.#carried.set(portKey(port), await this.#context.carry(port));
  }

  /** Closes a port; one that is not open is left alone. */
  async close(port: ResolvedPort): Promise<void> {
    const method = this.#method;
    if (method.kind === "http") await post(method.socket, fill(method.remove, port), port);
    else if (method.kind === "monitor") await this.#context.monitor(fillText(method.remove, port));
    else {
      await this.#carried.get(portKey(port))?.close();
      this.#carried.delete(portKey(port));
    }
  }
}

/** Two ports are the same when they have this in common. */
export function portKey(port: ResolvedPort): string {
  return `${port.protocol}/${port.host}:${port.hostPort}`;
}

/** As the command line writes it: "127.0.0.1:8080:80/tcp". */
export function formatPort(port: ResolvedPort): string {
  return `${bracketed(port.host)}:${port.hostPort}:${port.guestPort}/${port.protocol}`;
}

/** An IPv6 address before a colon and a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function fillText(template: string, port: ResolvedPort): string {
  const fields = { ...port, host: bracketed(port.host) };
  return template.replaceAll(/\{(protocol|host|hostPort|guestPort)\}/g, (_, field: keyof ResolvedPort) => String(fields[field]));
}

function fill(call: HttpCall, port: ResolvedPort): HttpCall {
  return { path: call.path, body: Object.fromEntries(Object.entries(call.body).map(([key, value]) => [key, fillText(value, port)])) };
}

function refuse(port: ResolvedPort, answer: string): void {
  if (answer === "") return;
  throw new MachineError("port-taken", `cannot open ${formatPort(port)}: ${answer}`, { hint: "Choose another port of the host, or end the program that holds it." });
}

/** A POST over a unix socket; any answer but 200 is an error with the answer's text. */
function post(socketPath: string, call: HttpCall, port: ResolvedPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(call.body);
    const sent = request({ socketPath, path: call.path, method: "POST", timeout: 5000, headers: { host: "localhost", "content-type": "application/json", "content-length": Buffer.byteLength(body) } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text = (text + part).slice(0, 4096)));
      answer.on("end", () => {
        if (answer.statusCode === 200) return resolve();
        try {
          refuse(port, text.trim() || `status ${answer.statusCode}`);
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 5 s")));
    sent.on("error", (cause) => reject(new MachineError("helper-exited", `the forwarder does not answer on ${socketPath}: ${cause.message}`, { cause })));
    sent.end(body);
  });
}
