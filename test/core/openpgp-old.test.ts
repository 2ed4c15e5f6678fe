import { createPrivateKey, createSign, randomBytes, type KeyObject } from "node:crypto";
import { armor, enums, generateKey } from "openpgp";
import { beforeAll, describe, expect, it } from "vitest";
import { readOldSignatures } from "../../core/openpgp-old.ts";
import { checkDetached } from "../../core/openpgp.ts";
import type { TrustedKey, VerifiedSignature } from "../../core/signature.ts";

/** A publisher whose key is RSA, as version 3 wants it. */
interface OldPublisher { readonly key: TrustedKey; readonly secret: KeyObject; readonly id: Buffer }

async function makePublisher(name: string, expired = false): Promise<OldPublisher> {
  const date = new Date(Date.now() - 2 * 86_400_000);
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name, email: `${name}@images.test` }], type: "rsa", rsaBits: 2048, date, format: "object", ...(expired && { keyExpirationTime: 86_400 }) });
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const { n, e } = publicKey.keyPacket.publicParams as { n: Uint8Array; e: Uint8Array };
  const { d, p, q } = (privateKey.keyPacket as unknown as { readonly privateParams: { d: Uint8Array; p: Uint8Array; q: Uint8Array } }).privateParams;
  const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(256, "0"), "hex");
  const secret = createPrivateKey({ format: "jwk", key: {
    kty: "RSA", n: text(n), e: text(e), d: text(d), p: text(p), q: text(q), dp: text(bytesOf(big(d) % (big(p) - 1n))), dq: text(bytesOf(big(d) % (big(q) - 1n))), qi: text(bytesOf(inverse(big(q), big(p)))),
  } });
  return { key: { armored: publicKey.armor(), fingerprint: publicKey.getFingerprint(), owner: `${name} <${name}@images.test>` }, secret, id: Buffer.from(publicKey.getKeyID().toHex(), "hex") };
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n) {
    const times = a / b;
    [a, b, x, y] = [b, a % b, y, x - times * y];
  }
  return (x + modulus) % modulus;
}

/** A packet as RFC 4880 describes it (5.2.2). */
function sign({ secret, id }: OldPublisher, bytes: Uint8Array, { type = 0, version = 3, header = "old" }: { type?: number; version?: number; header?: "old" | "new" } = {}): Buffer {
  const trailer = Buffer.alloc(5);
  trailer.writeUInt8(type);
  trailer.writeUInt32BE(Math.floor(Date.now() / 1000) - 3600 * 30, 1);
  const whole = createSign("sha512").update(bytes).update(trailer).sign(secret);
  const value = whole.subarray(whole.findIndex((byte) => byte !== 0));
  const bits = Buffer.alloc(2);
  bits.writeUInt16BE(value.length * 8 - Math.clz32(value[0] ?? 0) + 24);
  const body = Buffer.concat([Buffer.from([version, 5]), trailer, id, Buffer.from([1, 10, 0, 0]), bits, value]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(header === "old" ? body.length : body.length - 192 + (192 << 8));
  return Buffer.concat([Buffer.from([header === "old" ? 0x89 : 0xc2]), length, body]);
}

let publisher: OldPublisher;
let stranger: OldPublisher;
beforeAll(async () => {
  [publisher, stranger] = await Promise.all([makePublisher("publisher"), makePublisher("stranger")]);
}, 60_000);

const url = "https://images.test/disk.sha256.asc";
const bytes = randomBytes(100_000);
async function check(signature: Uint8Array, keys: readonly TrustedKey[] = [publisher.key], pieces: readonly Uint8Array[] = [bytes]): Promise<VerifiedSignature> {
  const going = await checkDetached(signature, { url, keys }, "the disk");
  for (const piece of pieces) await going.write(piece);
  return going.end();
}

describe("a signature of version 3", () => {
  const good = () => ({ url, fingerprint: publisher.key.fingerprint, owner: publisher.key.owner, signed: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown });

  it("tells who signed, whatever pieces the file comes in and however its packet begins", async () => {
    expect(await check(sign(publisher, bytes))).toEqual(good());
    expect(await check(sign(publisher, bytes, { header: "new" }), [stranger.key, publisher.key], [bytes.subarray(0, 7), bytes.subarray(7)])).toEqual(good());
  });

  it("may be armored", async () => {
    const text = await armor(enums.armor.signature, sign(publisher, bytes));
    expect(await check(Buffer.from(String(text)))).toEqual(good());
  });

  it.each<[string, () => Promise<VerifiedSignature>, string]>([
    ["of other bytes", () => check(sign(publisher, randomBytes(10))), "by publisher <publisher@images.test>: the signature does not fit"],
    ["of fewer bytes than came", () => check(sign(publisher, bytes.subarray(1))), "by publisher <publisher@images.test>: the signature does not fit"],
    ["whose last bytes are gone", async () => check(shortened(sign(publisher, bytes))), "by publisher <publisher@images.test>: the signature does not fit"],
    ["by a stranger", () => check(sign(stranger, bytes)), "by an unknown key "],
    ["by a stranger in the publisher's name", () => check(sign({ ...stranger, id: publisher.id }, bytes)), "by publisher <publisher@images.test>: the signature does not fit"],
  ])("%s is refused", async (_, make, detail) => {
    await expect(make()).rejects.toMatchObject({ code: "signature", message: "the disk is not signed by its publisher", details: [expect.stringContaining(detail)], hint: expect.stringContaining(url) });
  });

  it("by a key that has expired is refused, also one that the key made in its time", async () => {
    const late = await makePublisher("late", true);
    await expect(check(sign(late, bytes), [late.key])).rejects.toMatchObject({ code: "signature", details: [expect.stringMatching(/^by late <late@images.test>: its key expired on \d{4}-\d\d-\d\d$/)] });
  }, 30_000);

  it("is not taken for one when it signs a text, is of another version, or is cut off", () => {
    expect(readOldSignatures(sign(publisher, bytes, { type: 1 }))).toEqual([]);
    expect(readOldSignatures(sign(publisher, bytes, { version: 2 }))).toEqual([]);
    const whole = sign(publisher, bytes);
    for (const length of [0, 1, 2, 3, 20, whole.length - 1]) expect(readOldSignatures(whole.subarray(0, length))).toEqual([]);
    expect(readOldSignatures(whole)).toHaveLength(1);
    expect(readOldSignatures(Buffer.concat([whole, whole.subarray(0, 30)]))).toHaveLength(1);
  });
});

/** The same packet with a number in it that has lost its end. */
function shortened(packet: Buffer): Buffer {
  const body = packet.subarray(3, packet.length - 10);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([Buffer.from([0x89]), length, body]);
}
