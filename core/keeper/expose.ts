import { request } from "node:http";
import { MachineError } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import type { ExposeMethod, HttpCall } from "../roles/forwarder.ts";
import { portOf, readForwards, type Forward } from "./forwards.ts";

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

  /**
   * Opens a port; with `carry` over ssh, whatever the forwarder could do. Throws MachineError "port-taken" when the host's port is not free,
   * "helper-exited" when the forwarder does not answer.
   */
  async open(port: ResolvedPort, { carry = false }: { readonly carry?: boolean } = {}): Promise<void> {
    const method = this.#methodFor(port);
    if (carry) this.#carried.set(portKey(port), await this.#context.carry(port));
    else if (method.kind === "http") await post(method.socket, fill(method.add, port), port);
    else if (method.kind === "monitor") refuse(port, await this.#context.monitor(fillText(method.add, port)));
    else this.#carried.set(portKey(port), await this.#context.carry(port));
  }

  /** Closes a port. Throws MachineError "wrong-state" for one that a forwarder opened at the start and cannot close. */
  async close(port: ResolvedPort): Promise<void> {
    const method = this.#method;
    const carried = this.#carried.get(portKey(port));
    if (!carried && method.kind === "http") await post(method.socket, fill(method.remove, port), port);
    else if (!carried && method.kind === "monitor") await this.#context.monitor(fillText(method.remove, port));
    else {
      if (!carried) {
        throw new MachineError("wrong-state", `${formatPort(port)} stays open as long as the machine runs: its forwarder opened it at the start, and can close none`, { hint: "Take it out of the spec, and restart the machine." });
      }
      await carried.close();
      this.#carried.delete(portKey(port));
    }
  }

  /** What the forwarder itself says is open. Empty where it cannot be asked. */
  async list(): Promise<readonly ListedPort[]> {
    return ((await this.forwards()) ?? []).flatMap((forward) => {
      const port = portOf(forward);
      return port ? [{ port, forward }] : [];
    });
  }

  /** The same, with sockets among them. Undefined where it cannot be asked. */
  async forwards(): Promise<readonly Forward[] | undefined> {
    const method = this.#method;
    if (method.kind !== "http" || method.list === undefined) return undefined;
    const { status, text } = await ask(method.socket, method.list);
    if (status !== 200) throw new MachineError("helper-exited", `the forwarder does not tell its ports: ${text.trim() || `status ${status}`}`);
    return readForwards(text);
  }

  /** Opens a port that a lost forwarder had listed, in the words that it was first asked with: whoever asked will close it with the same. */
  async restore({ port, forward }: ListedPort): Promise<void> {
    const method = this.#method;
    if (method.kind === "http") await post(method.socket, { path: method.add.path, body: { ...forward } }, port);
  }

  /** Whether a port that was opened is carried over ssh. */
  isCarried(port: ResolvedPort): boolean {
    return this.#carried.has(portKey(port));
  }

  /** Whether a port that was opened is lost together with the forwarder. */
  isForwarders(port: ResolvedPort): boolean {
    return this.#method.kind === "http" && !this.#carried.has(portKey(port));
  }

  /** What the forwarder lists of a port that was opened here. Undefined where it does not carry it. */
  forwardOf(port: ResolvedPort): Forward | undefined {
    const method = this.#methodFor(port);
    if (method.kind !== "http" || this.#carried.has(portKey(port))) return undefined;
    const { local = "", remote = "", protocol = "" } = fill(method.add, port).body;
    return { local, remote, protocol };
  }

  /** Closes what the forwarder lists, whoever opened it. */
  async drop({ local, protocol }: Forward): Promise<void> {
    const method = this.#method;
    if (method.kind !== "http") return;
    const { status, text } = await ask(method.socket, method.remove.path, JSON.stringify({ ...method.remove.body, local, protocol }));
    if (status !== 200) throw new MachineError("helper-exited", `the forwarder does not close ${local}: ${text.trim() || `status ${status}`}`);
  }

  #methodFor({ hostPort }: ResolvedPort): ExposeMethod {
    return this.#method.kind === "http" && hostPort < (this.#method.lowestPort ?? 0) ? { kind: "ssh" } : this.#method;
  }
}

/** A port that the forwarder lists, in our words and in its own. */
export interface ListedPort {
  readonly port: ResolvedPort;
  readonly forward: Forward;
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

/** Asks the forwarder for a change; any answer but 200 is an error with the answer's text. */
async function post(socketPath: string, call: HttpCall, port: ResolvedPort): Promise<void> {
  const { status, text } = await ask(socketPath, call.path, JSON.stringify(call.body));
  if (status !== 200) refuse(port, text.trim().slice(0, 4096) || `status ${status}`);
}

/** One request over a unix socket: a POST where there is a body. Throws MachineError "helper-exited" where nobody answers. */
function ask(socketPath: string, path: string, body?: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: "localhost", ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) };
    const sent = request({ socketPath, path, method: body === undefined ? "GET" : "POST", timeout: 5000, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text = (text + part).slice(0, longestAnswer)));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 5 s")));
    sent.on("error", (cause) => reject(new MachineError("helper-exited", `the forwarder does not answer on ${socketPath}: ${cause.message}`, { cause })));
    sent.end(body);
  });
}

/** Characters of an answer that are kept: room for some ten thousand ports. */
const longestAnswer = 2 ** 20;
