/** An Ethernet frame as QEMU sends it over a stream socket. */
export function lanFrame(to: string, from: string, text: string): Buffer {
  const body = Buffer.concat([Buffer.from(`${to}${from}`.replaceAll(":", ""), "hex"), Buffer.from([0x88, 0xb5]), Buffer.from(text)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** The text that such a frame carries. */
export function textOf(frame: Buffer): string {
  return frame.subarray(4 + 14).toString();
}
