import type { Socket } from "node:net";
import { MachineError } from "../errors.ts";
import { frameKinds, type FrameKind } from "./protocol.ts";

/** The longest body of a frame, in bytes. */
export const maxFrame = 1024 * 1024;
/** The longest first line, in bytes. */
export const maxLine = 256 * 1024;
const headerSize = 5;

export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Buffer;
}

/** One frame: its kind, its length, its body. Throws MachineError "keeper" for a body that is too long. */
export function encodeFrame(kind: FrameKind, bytes: Uint8Array = Buffer.alloc(0)): Buffer {
  checkLength(bytes.length);
  const frame = Buffer.allocUnsafe(headerSize + bytes.length);
  frame.writeUInt8(frameKinds[kind], 0);
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, headerSize);
  return frame;
}

/** A frame whose body is JSON. */
export function encodeJson(kind: FrameKind, body: object): Buffer {
  return encodeFrame(kind, Buffer.from(JSON.stringify(body)));
}

/** Sends bytes in as many frames as they need, one for none, and resolves when the socket wants more, or is gone. */
export async function sendFrames(socket: Socket, kind: FrameKind, bytes: Uint8Array): Promise<void> {
  let at = 0;
  do {
    if (socket.destroyed || socket.writableEnded) return;
    if (!socket.write(encodeFrame(kind, bytes.subarray(at, at + maxFrame)))) await drained(socket);
    at += maxFrame;
  } while (at < bytes.length);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
    if (socket.destroyed) done();
  });
}

/** Cuts a byte stream into frames, however it was split on its way. */
export class FrameDecoder {
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes without which it is no use to look again. */
  #wanted = headerSize;

  /** The frames that these bytes complete. Throws MachineError "keeper" for an unknown kind and for a body that is too long. */
  push(chunk: Buffer): Frame[] {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return [];
    let held = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    const frames: Frame[] = [];
    for (;;) {
      this.#wanted = headerSize;
      if (held.length < headerSize) break;
      const kind = kindOf(held.readUInt8(0));
      const length = held.readUInt32BE(1);
      checkLength(length);
      this.#wanted = headerSize + length;
      if (held.length < this.#wanted) break;
      frames.push({ kind, bytes: held.subarray(headerSize, this.#wanted) });
      held = held.subarray(this.#wanted);
    }
    this.#parts = [held];
    this.#length = held.length;
    return frames;
  }

  /** Whether a frame has begun and not ended. */
  get isMidFrame(): boolean {
    return this.#length > 0;
  }
}

/**
 * Reads the first line of a connection, without its line feed. What follows the line goes back to the socket, which is
 * left paused. Rejects with MachineError "keeper" when the line is too long or the connection ends before it does.
 */
export function readLine(socket: Socket): Promise<{ readonly line: string }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const finish = (settle: () => void): void => {
      socket.off("readable", read).off("close", gone).off("end", gone).off("error", gone);
      settle();
    };
    const gone = (cause?: unknown): void => finish(() => reject(new MachineError("keeper", "the connection to the keeper ended before its first line did", cause instanceof Error ? { cause } : {})));
    const read = (): void => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        const end = chunk.indexOf(0x0a);
        const part = end < 0 ? chunk : chunk.subarray(0, end);
        length += part.length;
        parts.push(part);
        if (length > maxLine) {
          return finish(() => reject(new MachineError("keeper", `the first line on the keeper's socket is too long: at most ${maxLine} bytes expected, ${length} found`)));
        }
        if (end < 0) continue;
        const rest = chunk.subarray(end + 1);
        return finish(() => {
          if (rest.length > 0) socket.unshift(rest);
          resolve({ line: Buffer.concat(parts).toString() });
        });
      }
    };
    socket.on("readable", read).on("close", gone).on("end", gone).on("error", gone);
    if (socket.destroyed) gone();
  });
}

function kindOf(code: number): FrameKind {
  for (const [kind, its] of Object.entries(frameKinds)) if (its === code) return kind as FrameKind;
  throw new MachineError("keeper", `a frame of the unknown kind ${code} came over the keeper's socket`, { hint: "The keeper may be of another version: restart the machine." });
}

function checkLength(length: number): void {
  if (length > maxFrame) throw new MachineError("keeper", `a frame of the keeper's socket is too long: at most ${maxFrame} bytes expected, ${length} found`);
}
