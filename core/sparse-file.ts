import { open, type FileHandle } from "node:fs/promises";

const blockSize = 64 * 2 ** 10;
const zeros = Buffer.alloc(blockSize);

export interface SparseFileOptions {
  /** Bytes that are there already; writing goes on behind them. Default: 0, a file that must not be there yet. */
  readonly at?: number;
  /** Bytes that are gathered before they are written. Default: 1 MiB. */
  readonly gather?: number;
}

/**
 * Writes a file from its beginning to its end, with holes where there are zeros. Gathers small pieces, and writes while the next are gathered;
 * so an error may come with a later piece. The file's length is always that of what was written.
 */
export class SparseFile {
  readonly #handle: FileHandle;
  readonly #gather: number;
  #buffer: Buffer;
  #spare: Buffer;
  #filled = 0;
  /** Where the buffer's bytes belong. */
  #at: number;
  #pending: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, at: number, gather: number) {
    this.#handle = handle;
    this.#at = at;
    this.#gather = gather;
    this.#buffer = Buffer.allocUnsafeSlow(gather);
    this.#spare = Buffer.allocUnsafeSlow(gather);
  }

  static async open(path: string, { at = 0, gather = 2 ** 20 }: SparseFileOptions = {}): Promise<SparseFile> {
    return new SparseFile(await open(path, at === 0 ? "wx" : "r+", 0o600), at, gather);
  }

  /** A file that somebody else writes, to make it last. */
  static async behind(path: string): Promise<SparseFile> {
    return new SparseFile(await open(path, "r"), 0, 0);
  }

  /** Bytes of the file, gathered ones included. */
  get size(): number {
    return this.#at + this.#filled;
  }

  async write(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length; ) {
      // The first round ends at a multiple of the buffer's size, so that blocks are blocks of the file.
      const room = this.#gather - (this.#at % this.#gather) - this.#filled;
      const part = piece.subarray(done, done + room);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (part.length === room) await this.#turn();
    }
  }

  /** Hands over what was gathered: then it outlives this process. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#turn();
    await this.#pending;
  }

  /** Makes what was handed over last, also when the power goes. */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#pending.catch(() => {});
    await this.#handle.close();
  }

  /** Writes one buffer while the other is filled. */
  async #turn(): Promise<void> {
    const full = this.#buffer.subarray(0, this.#filled);
    const at = this.#at;
    await this.#pending;
    this.#pending = writeBlocks(this.#handle, full, at);
    this.#pending.catch(() => {}); // told by whoever waits for it next
    this.#at += this.#filled;
    this.#filled = 0;
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
  }
}

/** Writes runs of blocks that are not all zero. A hole at the end is made by the length alone. */
async function writeBlocks(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let begin = 0;
  let wasHole = false;
  for (let at = 0; at < bytes.length; at += blockSize) {
    const block = bytes.subarray(at, at + blockSize);
    const isHole = zeros.subarray(0, block.length).equals(block);
    if (isHole && !wasHole) await writeAll(handle, bytes.subarray(begin, at), position + begin);
    if (!isHole && wasHole) begin = at;
    wasHole = isHole;
  }
  if (wasHole) await handle.truncate(position + bytes.length);
  else await writeAll(handle, bytes.subarray(begin), position + begin);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
