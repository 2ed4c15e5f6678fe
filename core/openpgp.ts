import { MachineError, messageOf } from "./errors.ts";
import { readOldSignatures, startOldCheck, type OldSignature } from "./openpgp-old.ts";
import type { FileSignature, TrustedKey, VerifiedSignature } from "./signature.ts";

/** A signature in the making: pieces of a file go in one after the other, and at the end it tells who signed them. */
export interface SignatureCheck {
  write(piece: Uint8Array): Promise<void>;
  /** Throws MachineError "signature" unless one of the keys signed exactly what was written. */
  end(): Promise<VerifiedSignature>;
}

/**
 * Begins to check a file against its detached signature (RFC 9580, 10.4), armored or binary. Holds no more of the file than a piece.
 * Throws MachineError "signature" for a signature that is none, and for a key block that does not hold the key that is trusted.
 */
export async function checkDetached(bytes: Uint8Array, { url, keys }: FileSignature, subject: string): Promise<SignatureCheck> {
  const { createMessage, readSignature, unarmor, verify } = await import("openpgp");
  const trusted = await readKeys(keys, url);
  const noSignature = (cause: unknown): Promise<never> => Promise.reject(refused(url, `${url} is no OpenPGP signature`, messageOf(cause)));
  const binarySignature = isArmored(bytes) ? await unarmor(Buffer.from(bytes).toString("latin1")).then(({ data }) => data as Uint8Array, noSignature) : bytes;
  const [old] = readOldSignatures(binarySignature);
  if (old) return checkOld(old, trusted, { url, subject });
  const signature = await readSignature({ binarySignature }).catch(noSignature);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const verified = createMessage({ binary: readable }).then(async (message) => {
    const { data, signatures } = await verify({ message, signature, verificationKeys: trusted.map(({ key }) => key), format: "binary" });
    // Its own getReader(): the stream beneath has been split in two, and is locked for all others. What hashes goes no further than what is read here.
    const reader = (data as unknown as ReadableStream<Uint8Array>).getReader();
    while (!(await reader.read()).done);
    return firstGood(signatures, trusted, { url, subject });
  });
  verified.catch((cause: unknown) => writer.abort(cause).catch(() => {})); // reported by `end`, or nobody asks
  return {
    write: (piece) => writer.write(piece),
    async end() {
      await writer.close().catch(() => {}); // then `verified` says why
      return verified;
    },
  };
}

async function checkOld(old: OldSignature, trusted: readonly OpenTrustedKey[], { url, subject }: { readonly url: string; readonly subject: string }): Promise<SignatureCheck> {
  const by = trusted.find(({ key }) => key.getKeys().some((one) => one.getKeyID().toHex() === old.keyId));
  const problem = (text: string): MachineError => refused(url, `${subject} is not signed by its publisher`, `by ${by?.owner ?? `an unknown key ${old.keyId}`}: ${text}`);
  if (!by) throw problem("it is no key that is trusted");
  const own = by.key.getKeys().find((one) => one.getKeyID().toHex() === old.keyId);
  await by.key.getSigningKey(own?.getKeyID(), old.created).catch((cause: unknown) => Promise.reject(problem(messageOf(cause))));
  const { n, e } = (own?.keyPacket.publicParams ?? {}) as { readonly n?: Uint8Array; readonly e?: Uint8Array };
  if (!n || !e) throw problem("it is no RSA key");
  const check = startOldCheck(old, { n, e });
  return {
    write: async (piece) => check.write(piece),
    async end() {
      if (!check.isGood()) throw problem("the signature does not fit");
      await checkAlive(by).catch((cause: unknown) => Promise.reject(problem(messageOf(cause))));
      return { url, fingerprint: by.key.getFingerprint(), owner: by.owner, signed: old.created.toISOString() };
    },
  };
}

/**
 * The text inside a clear-signed message (RFC 9580, 7), without its armor, and who signed it. Throws MachineError "signature".
 */
export async function readClearSigned(bytes: Uint8Array, url: string, keys: readonly TrustedKey[]): Promise<{ readonly text: string; readonly signature: VerifiedSignature }> {
  const { readCleartextMessage, verify } = await import("openpgp");
  const trusted = await readKeys(keys, url);
  const message = await readCleartextMessage({ cleartextMessage: Buffer.from(bytes).toString("utf8") })
    .catch((cause: unknown) => Promise.reject(refused(url, `${url} is no clear-signed text`, messageOf(cause))));
  const { data, signatures } = await verify({ message, verificationKeys: trusted.map(({ key }) => key) });
  return { text: data, signature: await firstGood(signatures, trusted, { url, subject: url }) };
}

type OpenKey = Awaited<ReturnType<typeof import("openpgp")["readKey"]>>;
interface OpenTrustedKey {
  readonly key: OpenKey;
  readonly owner: string;
}
type Signatures = Awaited<ReturnType<typeof import("openpgp")["verify"]>>["signatures"];

async function readKeys(keys: readonly TrustedKey[], url: string): Promise<readonly OpenTrustedKey[]> {
  const { readKey } = await import("openpgp");
  return Promise.all(keys.map(async ({ armored, fingerprint, owner }) => {
    const key = await readKey({ armoredKey: armored }).catch((cause: unknown) => Promise.reject(refused(url, `the key of ${owner} cannot be read`, messageOf(cause))));
    if (key.getFingerprint() === fingerprint.toLowerCase()) return { key, owner };
    throw refused(url, `the key block of ${owner} holds another key: expected fingerprint ${fingerprint}, found ${key.getFingerprint()}`);
  }));
}

/** One good signature is enough: publishers sign with several keys while they change from one to the next. */
async function firstGood(signatures: Signatures, trusted: readonly OpenTrustedKey[], { url, subject }: { readonly url: string; readonly subject: string }): Promise<VerifiedSignature> {
  const problems: string[] = [];
  for (const { keyID, verified, signature } of signatures) {
    const signer = trusted.find(({ key }) => key.getKeys(keyID).length > 0);
    try {
      await verified;
      const [packet] = (await signature).packets;
      if (!signer || !packet?.created) throw new Error("it names no key that is trusted");
      await checkAlive(signer);
      return { url, fingerprint: signer.key.getFingerprint(), owner: signer.owner, signed: packet.created.toISOString() };
    } catch (cause) {
      problems.push(`by ${signer?.owner ?? `an unknown key ${keyID.toHex()}`}: ${messageOf(cause)}`);
    }
  }
  throw refused(url, `${subject} is not signed by its publisher`, ...(problems.length > 0 ? problems : ["there is no signature in it"]));
}

/** Whoever finds an old key could date a signature back, so one that it made in its time is refused as well. */
async function checkAlive({ key }: OpenTrustedKey): Promise<void> {
  const expires = await key.getExpirationTime();
  if (expires instanceof Date && expires.getTime() <= Date.now()) throw new Error(`its key expired on ${expires.toISOString().slice(0, 10)}`);
}

function refused(url: string, message: string, ...details: readonly string[]): MachineError {
  return new MachineError("signature", message, { details, hint: `Its signature is ${url}. It was changed on the way, or the publisher has a new key; nothing of it is used.` });
}

function isArmored(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 64)).toString("latin1").trimStart().startsWith("-----BEGIN PGP");
}
