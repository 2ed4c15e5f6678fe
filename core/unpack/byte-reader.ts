/** Reads bytes by number from a stream of pieces. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #early: () => Error;
  #rest: Buffer = Buffer.alloc(0);

  /** `early` makes the error for a stream that ends in the middle. */
  constructor(pieces: AsyncIterable<Uint8Array>, early: () => Error) {
    this.#source = pieces[Symbol.asyncIterator]();
    this.#early = early;
  }

  /** The next bytes, which stay. */
  async peek(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const piece = await this.#next();
      if (!piece) throw this.#early();
      this.#rest = Buffer.concat([this.#rest, piece]);
    }
    return this.#rest.subarray(0, count);
  }

  async take(count: number): Promise<Buffer> {
    const taken = await this.peek(count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  /** An unsigned number, least byte first. */
  async number(bytes: 2 | 4): Promise<number> {
    return (await this.take(bytes)).readUIntLE(0, bytes);
  }

  /** So many of the next bytes in the pieces that they come in; all of them where no number is given. */
  async *pieces(count = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array, void, void> {
    for (let left = count; left > 0; ) {
      const piece = this.#rest.length > 0 ? this.#rest : await this.#next();
      if (!piece) {
        if (count === Number.POSITIVE_INFINITY) return;
        throw this.#early();
      }
      const part = piece.subarray(0, left);
      this.#rest = piece.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Bytes that were one too many: they come next. */
  giveBack(piece: Uint8Array): void {
    this.#rest = Buffer.concat([piece, this.#rest]);
  }

  /** Reads to the end. */
  async drain(): Promise<void> {
    this.#rest = Buffer.alloc(0);
    while (await this.#next());
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#source.next();
    return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
