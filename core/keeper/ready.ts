import { createServer, type Socket } from "node:net";
import { rmSync } from "node:fs";
import { MachineError } from "../errors.ts";
import type { ReadyPlan } from "../roles/launcher.ts";
import { dial } from "./qmp.ts";

/** Longest ready line we take. */
const lineLimit = 4096;

/**
 * Connects to the port that the guest writes its ready line to, and resolves with that line. The guest writes "Ready", or
 * "Failed WHAT" when its first boot did not end well.
 */
export async function openReadyPort(plan: ReadyPlan): Promise<{ readonly line: Promise<string>; close(): void }> {
  if (plan.kind === "connect") {
    const socket = await dial(plan.path);
    return { line: firstLine(socket), close: () => socket.destroy() };
  }
  rmSync(plan.path, { force: true });
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(plan.path, resolve));
  const line = new Promise<string>((resolve, reject) => {
    server.on("connection", (socket) => firstLine(socket).then(resolve, reject));
  });
  line.catch(() => {});
  return { line, close: () => server.close() };
}

/** The ready port of one VM. */
export class ReadySignal {
  #line: Promise<string> = new Promise(() => {});
  #close = (): void => {};

  /** Settles with the guest's line; does not before the port was opened. */
  get line(): Promise<string> {
    return this.#line;
  }

  async open(plan: ReadyPlan): Promise<void> {
    const { line, close } = await openReadyPort(plan);
    this.#line = line;
    this.#close = close;
  }

  close(): void {
    this.#close();
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

function firstLine(socket: Socket): Promise<string> {
  const line = new Promise<string>((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (part: string) => {
      text += part;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end).trim());
      else if (text.length > lineLimit) reject(new MachineError("first-boot-failed", "the guest's ready line does not end", { stage: "ready" }));
    });
    socket.on("close", () => reject(new MachineError("vm-exited", "the port of the ready line closed", { stage: "ready" })));
  });
  line.catch(() => {});
  return line;
}
