import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { MachineError } from "./errors.ts";

export interface KeyPair {
  /** OpenSSH's own private key format (openssh-key-v1), without a passphrase. Store it with mode 0600. */
  readonly privateKey: string;
  /** One line: "ssh-ed25519 AAAA… comment". */
  readonly publicKey: string;
}

const keyType = "ssh-ed25519";

/**
 * Makes an ed25519 key pair, for a login or for a host. In-process: no ssh-keygen is needed, and ssh2 is not loaded.
 * Format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
 */
export function makeKeyPair(comment: string): KeyPair {
  if (/[\r\n]/.test(comment)) throw new MachineError("usage", `the key comment ${JSON.stringify(comment)} has a line break`, { hint: "Give a comment of one line." });
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  if (x === undefined || d === undefined) throw new MachineError("internal", "node:crypto made an ed25519 key without its two halves");
  const publicPart = Buffer.from(x, "base64url");
  const publicBlob = Buffer.concat([field(keyType), field(publicPart)]);
  // The same random number twice: it is how a reader of an encrypted key knows that it was decrypted rightly.
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, publicBlob, field(Buffer.concat([Buffer.from(d, "base64url"), publicPart])), field(comment)]);
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"), field("none"), field("none"), field(""), uint32(1), field(publicBlob), field(padded(secret)),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    privateKey: ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n"),
    publicKey: `${keyType} ${publicBlob.toString("base64")}${comment === "" ? "" : ` ${comment}`}`,
  };
}

/** What ssh-keygen -l prints of a public key line: "SHA256:…". Throws MachineError "ssh" for a line that is no key. */
export function fingerprint(publicKey: string): string {
  return fingerprintOf(keyBlob(publicKey));
}

/** The same of a key's bytes, as they travel in the handshake. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The bytes of a public key line. Throws MachineError "ssh" for a line that is no key. */
export function keyBlob(publicKey: string): Buffer {
  const [type = "", encoded = ""] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded, "base64");
  const named = blob.length > 4 ? blob.subarray(4, 4 + blob.readUInt32BE(0)).toString() : "";
  if (type === "" || named !== type) {
    throw new MachineError("ssh", `${JSON.stringify(publicKey.slice(0, 80))} is no public key`, { hint: 'A key line reads "ssh-ed25519 AAAA… comment".' });
  }
  return blob;
}

/** Pads with 1, 2, 3, … to the cipher's block size, which is 8 where there is no cipher. */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Bytes or text with their length before them (RFC 4251, "string"). */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
