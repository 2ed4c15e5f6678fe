import { Readable, Writable } from "node:stream";
import { MachineError } from "../errors.ts";
import { limitWait, type LimitReason } from "../limit.ts";
import type { GuestShell } from "../model.ts";
import { commandLine, endedEarly } from "../ssh/run.ts";
import { openStream, type KeeperStream } from "./connect.ts";
import { protocolVersion, stdinWindow, type ExitBody, type WindowBody } from "./protocol.ts";

export interface ExecRequest {
  /** For the login shell of the guest's user. Without one: a login shell itself. */
  readonly command?: string;
  /** Default: the machine's user. */
  readonly user?: string;
  readonly pty?: { readonly term: string; readonly cols: number; readonly rows: number };
}

/** What a running command can be told besides its input. */
export interface CommandControl {
  /** "SIGINT". */
  signal(name: string): void;
  resize(cols: number, rows: number): void;
}

/** Where a command's input comes from and its output goes. The streams stay open; those of the process will do. */
export interface CommandIo {
  /** Default: none; the command's input ends at once. */
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Called once the command runs; what it returns is called when it has ended, in whatever way. See `terminal.ts`. */
  attach?(control: CommandControl): () => void;
}

/**
 * Runs a command in the guest over the keeper and joins it to streams of this process. Resolves with how it ended, after
 * all its output was written. When nobody reads the output any more, the command is hung up and the result is SIGPIPE's.
 * Throws MachineError "interrupted" when the signal ends it, and "keeper" or "ssh" when the way to it is lost.
 */
export async function execOverKeeper(socketPath: string, request: ExecRequest, io: CommandIo, signal?: AbortSignal): Promise<ExitBody> {
  const stream = await openStream(socketPath, { v: protocolVersion, op: "exec", ...request }, { ...(signal && { signal }) });
  const input = new InputPump(stream, io.stdin);
  const outputs = [new Output(io.stdout), new Output(io.stderr)] as const;
  const broken = Promise.race(outputs.map(({ failed }) => failed));
  let detach: (() => void) | undefined;
  try {
    detach = io.attach?.({
      signal: (name) => void stream.send("signal", Buffer.from(name)),
      resize: (cols, rows) => void stream.send("window", Buffer.from(JSON.stringify({ cols, rows } satisfies WindowBody))),
    });
    input.start();
    return await Promise.race([relay(stream, outputs, input), broken]);
  } finally {
    detach?.();
    input.stop();
    for (const output of outputs) output.release();
    stream.close();
  }
}

/** A way into the guest of a running machine. Its `exec` throws MachineError "deadline" and "interrupted" when its limits end a command, and else as `execOverKeeper`. */
export function keeperShell(socketPath: string): GuestShell {
  return {
    async exec(command, options = {}) {
      const line = commandLine(command);
      const [stdout, stderr] = [new Collector(), new Collector()];
      const over = new AbortController();
      let reason: LimitReason | undefined;
      const off = limitWait(options, (why) => {
        reason = why;
        over.abort();
      });
      const io = { stdout, stderr, ...(options.input !== undefined && { stdin: Readable.from([Buffer.from(options.input)]) }) };
      try {
        const exit = await execOverKeeper(socketPath, { command: line, ...(options.user !== undefined && { user: options.user }) }, io, over.signal);
        return { ...exit, stdout: stdout.text(), stderr: stderr.text() };
      } catch (cause) {
        if (reason === undefined) throw cause;
        throw endedEarly(reason, line, options.timeoutMs, cause);
      } finally {
        off();
      }
    },
  };
}

/** Writes what comes, until the exit. */
async function relay(stream: KeeperStream, [stdout, stderr]: readonly [Output, Output], input: InputPump): Promise<ExitBody> {
  for await (const { kind, bytes } of stream.frames) {
    if (kind === "stdout") await stdout.write(bytes);
    else if (kind === "stderr") await stderr.write(bytes);
    else if (kind === "consumed") input.consumed(bytes.readUInt32BE(0));
    else if (kind === "exit") return JSON.parse(bytes.toString()) as ExitBody;
  }
  throw new MachineError("keeper", "the keeper closed the connection before the command ended", { hint: "`glowplug list` tells whether the machine still runs." });
}

/** Sends what is read, never more than the window has room for. */
class InputPump {
  readonly #stream: KeeperStream;
  readonly #source: Readable | undefined;
  #room = stdinWindow;
  /** Goes on when there is room again. */
  #wake: () => void = () => {};
  #sent: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(stream: KeeperStream, source: Readable | undefined) {
    this.#stream = stream;
    this.#source = source;
  }

  start(): void {
    if (!this.#source || this.#source.readableEnded || this.#source.destroyed) return this.#end();
    this.#source.on("data", this.#data).once("end", this.#end).once("close", this.#end).once("error", this.#end);
  }

  stop(): void {
    this.#stopped = true;
    this.#letGo();
    this.#source?.off("data", this.#data).pause();
  }

  consumed(bytes: number): void {
    this.#room += bytes;
    this.#wake();
  }

  readonly #data = (chunk: Buffer | string): void => {
    this.#source?.pause();
    this.#sent = this.#sent.then(() => this.#send(Buffer.from(chunk as string))).then(() => {
      if (!this.#stopped) this.#source?.resume();
    });
  };

  readonly #end = (): void => {
    this.#letGo();
    this.#sent = this.#sent.then(() => this.#stream.send("end"));
  };

  async #send(bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#room === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const part = rest.subarray(0, this.#room);
      this.#room -= part.length;
      rest = rest.subarray(part.length);
      await this.#stream.send("stdin", part);
    }
  }

  #letGo(): void {
    this.#source?.off("end", this.#end).off("close", this.#end).off("error", this.#end);
  }
}

/** One output of this process. */
class Output {
  readonly #stream: Writable;
  #fail: (error: NodeJS.ErrnoException) => void = () => {};
  /** Settles only when the stream breaks. */
  readonly failed: Promise<ExitBody>;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.failed = new Promise((resolve, reject) => {
      this.#fail = (error) => (error.code === "EPIPE" ? resolve({ exitCode: 128 + 13, signal: "SIGPIPE" }) : reject(error));
    });
    this.failed.catch(() => {});
    stream.on("error", this.#fail);
  }

  /** Resolves when the bytes were taken. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#stream.write(bytes, (error) => (error ? this.#fail(error) : resolve())));
  }

  release(): void {
    // A failed write calls back a little before the stream emits its error.
    setImmediate(() => this.#stream.off("error", this.#fail));
  }
}

/** Keeps what is written to it. */
class Collector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
