import { createServer, type Socket } from "node:net";
import { rmSync } from "node:fs";
import { MachineError } from "../errors.ts";
import type { ReadyPlan } from "../roles/launcher.ts";
import { deferred } from "./deferred.ts";
import { dial } from "./qmp.ts";

/** Longest ready line we take. */
const lineLimit = 4096;

/** The port that the guest writes its ready line to, once each time it boots. */
export interface ReadyPort {
  /** The first line: "Ready", or "Failed WHAT" when the guest's first boot did not end well. */
  readonly line: Promise<string>;
  /** Calls back for each line that comes later, until the returned function is called. */
  onLater(listener: (line: string) => void): () => void;
  close(): void;
}

/** Connects to the ready port, or listens there. Of a guest that is up each line is one of those that come later. */
export async function openReadyPort(plan: ReadyPlan, isUp = false): Promise<ReadyPort> {
  const first = deferred<string>();
  const listeners = new Set<(line: string) => void>();
  let isFirst = !isUp;
  const take = (line: string): void => {
    if (isFirst) first.resolve(line);
    else for (const listener of listeners) listener(line);
    isFirst = false;
  };
  const lost = (error: MachineError): void => first.reject(error);
  const port = { line: first.promise, onLater: (listener: (line: string) => void) => (listeners.add(listener), () => void listeners.delete(listener)) };
  if (plan.kind === "connect") {
    const socket = await dial(plan.path);
    readLines(socket, take, lost);
    return { ...port, close: () => socket.destroy() };
  }
  rmSync(plan.path, { force: true });
  const server = createServer((socket) => readLines(socket, take, lost));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(plan.path, resolve));
  return { ...port, close: () => server.close() };
}

/** The ready port of one VM. */
export class ReadySignal {
  readonly #listeners = new Set<(line: string) => void>();
  #port: ReadyPort | undefined;

  /** Settles with the guest's first line; does not before the port was opened. */
  get line(): Promise<string> {
    return this.#port?.line ?? new Promise(() => {});
  }

  async open(plan: ReadyPlan, isUp = false): Promise<void> {
    this.#port = await openReadyPort(plan, isUp);
    this.#port.onLater((line) => {
      for (const listener of this.#listeners) listener(line);
    });
  }

  /** Calls back when a guest that has booted once more is ready, until the returned function is called. */
  onAgain(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#port?.close();
  }
}

/** Throws MachineError "first-boot-failed" for anything but "Ready". */
export function checkReadyLine(line: string): void {
  if (line === "Ready") return;
  const what = line.startsWith("Failed ") ? line.slice(7) : `the guest sent ${JSON.stringify(line)} as its ready line`;
  throw new MachineError("first-boot-failed", `the guest is up, but its first boot did not end well: ${what}`, {
    hint: "`glowplug logs NAME serial` shows the console; `glowplug ssh NAME` gets in while it runs.", stage: "ready",
  });
}

function readLines(socket: Socket, take: (line: string) => void, lost: (error: MachineError) => void): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("error", () => {});
  socket.on("data", (part: string) => {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      take(text.slice(0, end).trim());
      text = text.slice(end + 1);
    }
    if (text.length <= lineLimit) return;
    lost(new MachineError("first-boot-failed", "the guest's ready line does not end", { stage: "ready" }));
    socket.destroy();
  });
  socket.on("close", () => lost(new MachineError("vm-exited", "the port of the ready line closed", { stage: "ready" })));
}
