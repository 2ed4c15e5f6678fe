import { Duplex, type Readable } from "node:stream";
import { MachineError } from "../errors.ts";
import type { CommandExit, GuestCommand } from "./connection.ts";
import { signalStatus } from "./signals.ts";

/** What is used of an ssh2 channel. */
export interface RawChannel extends Duplex {
  readonly stderr: Readable;
  close(): void;
  setWindow(rows: number, cols: number, height: number, width: number): void;
}

/**
 * An ssh2 channel as a stream that keeps Node's rules. ssh2's own (Channel.js, 1.17) never calls back a write once the
 * other side has closed, closes the channel as soon as both directions have ended, though the exit status may still be
 * on its way, and ends as if all were well when the connection is lost. Here a lost connection shows as a close without
 * an end, and what is written after the guest has closed goes nowhere.
 */
export class GuestStream extends Duplex {
  readonly #channel: RawChannel;
  /** The guest closed the channel, in good order. */
  #closed = false;
  /** Completes the write that is under way. */
  #pending: (() => void) | undefined;

  constructor(channel: RawChannel) {
    // Destroyed when the channel closes, and not before: a program may close its output and still read and run on.
    super({ allowHalfOpen: true, autoDestroy: false, highWaterMark: 256 * 1024 });
    this.#channel = channel;
    // Called by Node when both directions have ended; the guest closes the channel, or we do in _destroy.
    channel.destroy = () => channel;
    channel.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.once("end", () => this.push(null));
    channel.on("error", () => this.destroy());
    channel.once("close", () => {
      this.#closed = true;
      this.#complete();
      if (this.readableEnded) this.destroy();
      else this.once("end", () => this.destroy());
    });
  }

  /** The connection is gone. A channel that had closed before keeps what it still has to read. */
  lose(): void {
    if (!this.#closed) this.destroy();
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#closed || this.#channel.writableEnded) return done();
    this.#pending = done;
    this.#channel.write(chunk, () => this.#complete());
  }

  override _final(done: () => void): void {
    if (this.#closed || this.#channel.writableEnded) return done();
    this.#pending = done;
    this.#channel.end(() => this.#complete());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.removeAllListeners("data");
    this.#channel.resume();
    this.#channel.close();
    done(error);
    this.#complete();
  }

  #complete(): void {
    const done = this.#pending;
    this.#pending = undefined;
    done?.();
  }
}

/** A session channel as a command. `sendSignal` is handed in, since ssh2 alone cannot do it once standard input has ended. */
export function guestCommand(channel: RawChannel, stream: GuestStream, sendSignal: (name: string) => void): GuestCommand {
  const exit = new Promise<CommandExit>((resolve, reject) => {
    channel.once("exit", (code: number | null, signal?: string) => {
      resolve(code === null ? { exitCode: signalStatus(signal ?? ""), ...(signal !== undefined && { signal }) } : { exitCode: code });
    });
    const gone = (): void => reject(new MachineError("ssh", "the ssh channel closed before the command told how it ended", {
      hint: "The guest went down, or its sshd did: look at its console.",
    }));
    channel.once("close", gone);
    stream.once("close", gone);
  });
  exit.catch(() => {});
  return {
    stdin: stream, stdout: stream, stderr: channel.stderr, exit, signal: sendSignal,
    resize: (cols, rows) => channel.setWindow(rows, cols, 0, 0),
    close() {
      sendSignal("HUP");
      stream.destroy();
    },
  };
}
