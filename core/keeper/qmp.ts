import { connect, type Socket } from "node:net";
import { MachineError, messageOf } from "../errors.ts";
import type { QmpStep } from "../roles/launcher.ts";
import { deferred } from "./deferred.ts";

/** An event of QEMU's monitor protocol. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

type AwaitedEvent = NonNullable<QmpStep["awaitEvent"]>;

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Longest line we take from the monitor. A whole schema is some 200 KiB. */
const lineLimit = 4 * 2 ** 20;

/**
 * A connection to QEMU's monitor protocol (docs/interop/qmp-spec.txt of QEMU): a greeting, then commands with ids, then
 * answers and events in any order. `quit` ends in a reset connection as often as in an answer; both count as done.
 */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #nextId = 1;
  #rest = "";
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#take(text));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        for (const [id, { command, reject }] of this.#waiting) {
          this.#waiting.delete(id);
          reject(new MachineError("vm-exited", `the VM's monitor closed during ${command}`));
        }
        resolve();
      });
    });
  }

  /** Connects and negotiates. Throws MachineError "keeper" when the monitor does not answer within the limit. */
  static async open(path: string, timeoutMs: number): Promise<Qmp> {
    const socket = await dial(path);
    const qmp = new Qmp(socket);
    await qmp.execute("qmp_capabilities", undefined, timeoutMs);
    return qmp;
  }

  /** Runs a command and returns its `return` value. */
  execute(command: string, args?: Readonly<Record<string, unknown>>, timeoutMs = 10_000): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new MachineError("vm-exited", `the VM's monitor is closed; ${command} was not sent`));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new MachineError("deadline", `the VM's monitor did not answer ${command} within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#waiting.set(id, {
        command,
        resolve: (value) => (clearTimeout(timer), resolve(value)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
    });
  }

  /** Runs a line of the human monitor; returns what it prints, which for most commands is nothing unless it failed. */
  async monitor(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line })).trim();
  }

  /** Runs a command and waits for the event that it names. */
  async step({ execute, arguments: given, awaitEvent }: QmpStep, timeoutMs = 10_000): Promise<void> {
    const event = awaitEvent && this.#nextEvent(awaitEvent, timeoutMs);
    try {
      await this.execute(execute, given, timeoutMs);
      await event?.seen;
    } finally {
      event?.off();
    }
  }

  /** Calls back for every event until the returned function is called. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    this.#socket.destroy();
  }

  #nextEvent({ name, data: wanted = {} }: AwaitedEvent, timeoutMs: number): { readonly seen: Promise<void>; off(): void } {
    const { promise: seen, resolve, reject } = deferred<void>();
    const timer = setTimeout(() => reject(new MachineError("deadline", `the VM did not report ${name} within ${timeoutMs / 1000} s`)), timeoutMs);
    const unfollow = this.onEvent(({ event, data }) => {
      if (event === name && Object.entries(wanted).every(([key, value]) => data?.[key] === value)) resolve();
    });
    void this.closed.then(() => reject(new MachineError("vm-exited", `the VM's monitor closed before ${name} came`)));
    return { seen, off: () => (clearTimeout(timer), unfollow()) };
  }

  #take(text: string): void {
    this.#rest += text;
    for (let end = this.#rest.indexOf("\n"); end >= 0; end = this.#rest.indexOf("\n")) {
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      this.#line(line.trim());
    }
    if (this.#rest.length > lineLimit) this.#socket.destroy();
  }

  #line(line: string): void {
    const message = parseObject(line);
    if (!message) return;
    if (typeof message["event"] === "string") {
      const event: QmpEvent = { event: message["event"], data: message["data"] as QmpEvent["data"] };
      for (const listener of this.#listeners) listener(event);
      return;
    }
    const id = typeof message["id"] === "number" ? message["id"] : undefined;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || !waiting) return;
    this.#waiting.delete(id);
    const error = message["error"];
    if (typeof error === "object" && error !== null) {
      const { desc } = error as { desc?: unknown };
      waiting.reject(new MachineError("keeper", `the VM refused ${waiting.command}: ${String(desc)}`, { cause: error }));
    } else waiting.resolve(message["return"]);
  }
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  if (line === "") return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the VM refused a command because what it names is not there (the error class of QMP for it). */
export function isNoSuchDevice(error: unknown): boolean {
  return error instanceof Error && (error.cause as { class?: unknown } | undefined)?.class === "DeviceNotFound";
}

/** Connects to a unix socket. */
export function dial(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", (error) => reject(new MachineError("keeper", `cannot connect to ${path}: ${messageOf(error)}`, { cause: error })));
  });
}
