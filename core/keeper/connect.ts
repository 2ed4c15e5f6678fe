import { connect, type Socket } from "node:net";
import { fromErrorRecord, MachineError, type ErrorRecord } from "../errors.ts";
import { limitWait, type Limits } from "../limit.ts";
import { FrameDecoder, readLine, sendFrames, type Frame } from "./frames.ts";
import { protocolVersion, type FrameKind, type KeeperAnswer, type KeeperRequest } from "./protocol.ts";

const noKeeperHint = "The machine is not running: `glowplug start` starts it.";

/**
 * Asks a keeper one thing. Throws the keeper's own error; MachineError "keeper" when none answers there; "deadline" and
 * "interrupted" when a limit ends the wait.
 */
export async function askKeeper<T = unknown>(socketPath: string, request: KeeperRequest, limits: Limits = {}): Promise<T> {
  const { socket, value } = await open<T>(socketPath, request, limits);
  socket.destroy();
  return value;
}

/** A connection that carries frames. */
export interface KeeperStream {
  /** What the keeper answered before the frames. */
  readonly value: unknown;
  /**
   * The frames as they come; reading no further holds the keeper back. Ends when the keeper closes the connection. An
   * error frame is thrown as the error that it holds. Leaving the loop closes the stream.
   */
  readonly frames: AsyncIterable<Frame>;
  /** Resolves when more can be sent. What is sent to a keeper that is gone goes nowhere. */
  send(kind: FrameKind, bytes?: Uint8Array): Promise<void>;
  close(): void;
}

/** Opens a stream: "exec", "sftp", "events". `timeoutMs` bounds the wait for the answer, `signal` the stream as well. Throws as `askKeeper` does. */
export async function openStream(socketPath: string, request: KeeperRequest, limits: Limits = {}): Promise<KeeperStream> {
  const { socket, value } = await open(socketPath, request, limits);
  const off = limitWait({ ...(limits.signal && { signal: limits.signal }) }, () => socket.destroy());
  socket.once("close", off);
  return {
    value, frames: framesOf(socket, limits.signal),
    send: (kind, bytes = Buffer.alloc(0)) => sendFrames(socket, kind, bytes),
    close: () => socket.destroy(),
  };
}

async function* framesOf(socket: Socket, signal: AbortSignal | undefined): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder();
  try {
    for await (const chunk of socket) {
      for (const frame of decoder.push(chunk as Buffer)) {
        if (frame.kind === "error") throw fromErrorRecord(JSON.parse(frame.bytes.toString()) as ErrorRecord);
        yield frame;
      }
    }
  } catch (error) {
    if (error instanceof MachineError) throw error;
    if (signal?.aborted) throw new MachineError("interrupted", "the stream from the keeper was interrupted", { cause: error });
    throw new MachineError("keeper", "the connection to the keeper was lost", { cause: error, hint: "`glowplug list` tells whether the machine still runs." });
  } finally {
    socket.destroy();
  }
  if (decoder.isMidFrame) throw new MachineError("keeper", "the connection to the keeper was lost in the middle of a frame");
}

/** Connects, sends the request, reads the answer. The socket is left paused. */
async function open<T>(socketPath: string, request: KeeperRequest, limits: Limits): Promise<{ socket: Socket; value: T }> {
  const socket = connect(socketPath);
  let failure: MachineError | undefined;
  const off = limitWait(limits, (reason) => {
    failure = reason === "interrupted"
      ? new MachineError("interrupted", `waiting for the keeper's answer to "${request.op}" was interrupted`)
      : new MachineError("deadline", `the keeper did not answer "${request.op}" within ${Number(limits.timeoutMs) / 1000} s`, { hint: "`glowplug logs NAME keeper` tells what it does." });
    socket.destroy();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => (failure ??= unreachable(socketPath, error)));
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    const { line } = await readLine(socket);
    const answer = parseAnswer<T>(line);
    if (!answer.ok) throw fromErrorRecord(answer.error);
    if (answer.v !== protocolVersion && request.op !== "status" && request.op !== "stop") throw otherVersion(answer.v);
    return { socket, value: answer.value };
  } catch (error) {
    socket.destroy();
    throw failure ?? error;
  } finally {
    off();
  }
}

function unreachable(socketPath: string, cause: NodeJS.ErrnoException): MachineError {
  if (cause.code === "ENOENT" || cause.code === "ECONNREFUSED") return new MachineError("keeper", `no keeper answers on ${socketPath}`, { cause, hint: noKeeperHint });
  return new MachineError("keeper", `no connection to the keeper on ${socketPath}: ${cause.message}`, { cause, hint: "The socket is its owner's alone: be the user who started the machine." });
}

function parseAnswer<T>(line: string): KeeperAnswer<T> {
  try {
    const answer = JSON.parse(line) as KeeperAnswer<T>;
    if (typeof answer.ok === "boolean") return answer;
  } catch {
    // Told below.
  }
  throw new MachineError("keeper", `the keeper's answer is none: ${line.slice(0, 120)}`, { hint: "Another program may listen on its socket: stop and start the machine." });
}

function otherVersion(found: number): MachineError {
  return new MachineError("keeper", `the machine's keeper is of another version: protocol ${protocolVersion} expected, ${found} found`, { hint: "`glowplug restart` brings up one of this version." });
}
