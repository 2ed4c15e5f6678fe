import { createPublicKey, createVerify } from "node:crypto";

/**
 * A detached signature of version 3 (RFC 4880, 5.2.2) over binary data, made with RSA. The library reads version 4 and newer; openSUSE's build
 * service signs by version 3.
 */
export interface OldSignature {
  /** Of the key that made it, in lower-case hex. */
  readonly keyId: string;
  readonly created: Date;
  readonly hash: "sha256" | "sha384" | "sha512";
  /** What is hashed behind the data: type and time. */
  readonly trailer: Uint8Array;
  /** Big-endian, as it stands in the packet: without zeros in front. */
  readonly value: Uint8Array;
}

const hashes: Readonly<Record<number, OldSignature["hash"]>> = { 8: "sha256", 9: "sha384", 10: "sha512" };
const rsa: readonly number[] = [1, 3];

/** The signatures of that kind among OpenPGP packets. What is something else, or is broken, is left out. */
export function readOldSignatures(bytes: Uint8Array): readonly OldSignature[] {
  return bodiesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).flatMap((body) => {
    const [version, hashed, type, algorithm, hash] = [body[0], body[1], body[2], body[15], hashes[body[16] ?? 0]];
    if (version !== 3 || hashed !== 5 || type !== 0 || body.length < 21 || algorithm === undefined || !rsa.includes(algorithm) || !hash) return [];
    const value = body.subarray(21, 21 + Math.ceil(body.readUInt16BE(19) / 8));
    return [{ keyId: body.subarray(7, 15).toString("hex"), created: new Date(body.readUInt32BE(3) * 1000), hash, trailer: body.subarray(2, 7), value }];
  });
}

/** Checks data against such a signature, a piece after the other. `n` and `e` are the key's, big-endian. */
export function startOldCheck({ hash, trailer, value }: OldSignature, { n, e }: { readonly n: Uint8Array; readonly e: Uint8Array }): { write(piece: Uint8Array): void; isGood(): boolean } {
  const verify = createVerify(hash);
  const key = createPublicKey({ format: "jwk", key: { kty: "RSA", n: Buffer.from(n).toString("base64url"), e: Buffer.from(e).toString("base64url") } });
  return {
    write: (piece) => void verify.update(piece),
    isGood() {
      const whole = Buffer.alloc(n.length);
      if (value.length > whole.length) return false;
      whole.set(value, whole.length - value.length);
      return verify.update(trailer).verify(key, whole);
    },
  };
}

/** Bodies of the signature packets (tag 2), by their headers of the old and the new format (RFC 9580, 4.2). */
function bodiesOf(bytes: Buffer): readonly Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readHeader(bytes, at);
    if (!header || header.start + header.length > bytes.length) break;
    if (header.tag === 2) bodies.push(bytes.subarray(header.start, header.start + header.length));
    at = header.start + header.length;
  }
  return bodies;
}

function readHeader(bytes: Buffer, at: number): { readonly tag: number; readonly start: number; readonly length: number } | undefined {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  const rest = bytes.length - at;
  if ((first & 0x80) === 0 || rest < 2) return undefined;
  if (first & 0x40) {
    const tag = first & 0x3f;
    if (second < 192) return { tag, start: at + 2, length: second };
    if (second < 224 && rest >= 3) return { tag, start: at + 3, length: ((second - 192) << 8) + (bytes[at + 2] ?? 0) + 192 };
    return second === 255 && rest >= 6 ? { tag, start: at + 6, length: bytes.readUInt32BE(at + 2) } : undefined;
  }
  const tag = (first & 0x3c) >> 2;
  const size = [1, 2, 4][first & 3];
  return size !== undefined && rest > size ? { tag, start: at + 1 + size, length: bytes.readUIntBE(at + 1, size) } : undefined;
}
