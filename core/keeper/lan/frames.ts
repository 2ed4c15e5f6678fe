/** An Ethernet frame as QEMU's stream sockets carry it: its length in four bytes, most significant first, then the frame (net/stream.c). */
export const lengthSize = 4;
/** Longest frame that is taken: QEMU's own limit (net/net.h, NET_BUFSIZE). */
export const longestFrame = 4096 + 65536;
/** Destination, source and type (IEEE 802.3). */
const headerSize = 14;

/** One frame with its length before it, ready to be sent on as it is. */
export type LanFrame = Buffer;

/** Cuts what comes over a stream into frames, however it was split on its way. */
export class LanDecoder {
  #held: Buffer = Buffer.alloc(0);

  /** The frames that these bytes complete. Throws RangeError for a length that no frame has: the stream is then of no use any more. */
  push(chunk: Buffer): LanFrame[] {
    let held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: LanFrame[] = [];
    while (held.length >= lengthSize) {
      const length = held.readUInt32BE(0);
      if (length < headerSize || length > longestFrame) throw new RangeError(`a frame of ${length} bytes`);
      if (held.length < lengthSize + length) break;
      frames.push(held.subarray(0, lengthSize + length));
      held = held.subarray(lengthSize + length);
    }
    // A copy, so that a few bytes of the next frame do not keep the whole chunk in memory.
    this.#held = held.length === 0 ? held : Buffer.from(held);
    return frames;
  }
}

/** Hardware address that a frame is for. */
export function destinationOf(frame: LanFrame): string {
  return frame.toString("hex", lengthSize, lengthSize + 6);
}
/** Hardware address that a frame comes from. */
export function sourceOf(frame: LanFrame): string {
  return frame.toString("hex", lengthSize + 6, lengthSize + 12);
}
/** Whether a hardware address means more than one card: the lowest bit of its first byte (IEEE 802.3, 3.2.3). */
export function isGroup(address: string): boolean {
  return (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;
}
