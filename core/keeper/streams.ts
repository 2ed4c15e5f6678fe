import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { MachineError, toErrorRecord } from "../errors.ts";
import type { GuestCommand, GuestConnection } from "../ssh/connection.ts";
import { encodeFrame, encodeJson, FrameDecoder, sendFrames, type Frame } from "./frames.ts";
import { protocolVersion, stdinWindow, type FrameKind, type KeeperRequest, type WindowBody } from "./protocol.ts";

type RequestOf<O extends KeeperRequest["op"]> = Extract<KeeperRequest, { op: O }>;

/**
 * Answers an exec request: a command, or the login shell without one, joined to the socket by frames until it ends. The
 * last frame is its exit, or the error that ended it. A client that goes away hangs the command up. Rejects, before
 * anything was answered, with MachineError "ssh" when the guest opens no channel.
 */
export async function serveExec(socket: Socket, request: RequestOf<"exec">, connection: GuestConnection): Promise<void> {
  const { command, pty } = request;
  await join(socket, command === undefined ? await connection.shell(pty) : await connection.exec(command, { ...(pty && { pty }) }));
}

/** Answers an sftp request: the subsystem's bytes as stdin and stdout frames. Rejects as `serveExec` does. */
export async function serveSftp(socket: Socket, _request: RequestOf<"sftp">, connection: GuestConnection): Promise<void> {
  await join(socket, await connection.subsystem("sftp"));
}

async function join(socket: Socket, command: GuestCommand): Promise<void> {
  let over = false;
  const hangUp = (): void => {
    if (!over) command.close();
    over = true;
  };
  const refuse = (error: unknown): void => {
    hangUp();
    if (!socket.writableEnded) socket.end(encodeJson("error", toErrorRecord(error)));
  };
  socket.on("close", hangUp).on("end", hangUp);
  if (socket.destroyed) return hangUp();
  socket.write(`${JSON.stringify({ ok: true, v: protocolVersion, value: null })}\n`);
  const decoder = new FrameDecoder();
  const take = inputOf(socket, command);
  socket.on("data", (chunk: Buffer) => {
    try {
      if (!over) decoder.push(chunk).forEach(take);
    } catch (error) {
      refuse(error);
    }
  });
  try {
    await Promise.all([pump(socket, "stdout", command.stdout), pump(socket, "stderr", command.stderr)]);
    const exit = await command.exit;
    over = true;
    if (!socket.writableEnded) socket.end(encodeJson("exit", exit));
  } catch (error) {
    // Where the channel was lost, its own error says more than that of the output cut short.
    refuse(await command.exit.then(() => error, (lost: unknown) => lost));
  }
}

/** Sends an output as frames, no faster than they are read. Rejects when it is cut off before its end. */
function pump(socket: Socket, kind: FrameKind, output: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const cutOff = (): void => reject(new MachineError("ssh", `the command's ${kind} was cut off`));
    // ssh2 may close an output before we are told of its end. What it still holds would be lost then; where it holds nothing, the
    // exit status says whether the command ended in good order.
    output.once("end", resolve).once("close", () => (output.readableEnded || output.readableLength === 0 ? resolve() : cutOff()));
    output.on("data", (chunk: Buffer) => {
      output.pause();
      void sendFrames(socket, kind, chunk).then(() => output.resume());
    });
  });
}

/** Hands the client's frames to the command. Throws MachineError "keeper" for a client that breaks the rules. */
function inputOf(socket: Socket, { stdin, signal, resize }: GuestCommand): (frame: Frame) => void {
  let underWay = 0;
  return ({ kind, bytes }) => {
    if (kind === "stdin") {
      underWay += bytes.length;
      if (underWay > stdinWindow) throw new MachineError("keeper", `too much input under way: at most ${stdinWindow} bytes expected, ${underWay} found`);
      if (!stdin.writableEnded) stdin.write(bytes, () => {
        underWay -= bytes.length;
        if (!socket.writableEnded) socket.write(encodeFrame("consumed", uint32(bytes.length)));
      });
    } else if (kind === "end") stdin.end();
    else if (kind === "window") {
      const { cols, rows } = JSON.parse(bytes.toString()) as WindowBody;
      if (isSize(cols) && isSize(rows)) resize(cols, rows);
    } else if (kind === "signal") {
      try {
        signal(bytes.toString());
      } catch {
        // One that ssh cannot carry: the guest has no use for it.
      }
    } else throw new MachineError("keeper", `a client sent a frame of the kind ${kind}`);
  };
}

function isSize(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
