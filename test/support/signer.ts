import { createMessage, createCleartextMessage, generateKey, readPrivateKey, sign, type PrivateKey } from "openpgp";
import type { TrustedKey } from "../../core/signature.ts";

/** A publisher with a key of its own. */
export interface TestSigner {
  readonly key: TrustedKey;
  /** A detached signature, armored. */
  sign(bytes: Uint8Array): Promise<Buffer>;
  /** A text inside its signature. */
  clearSign(text: string): Promise<Buffer>;
}

/** Makes a publisher. An expired one made its key, and signed, two days ago; the key was good for one. */
export async function makeSigner(name: string, { expired = false } = {}): Promise<TestSigner> {
  const date = new Date(Date.now() - (expired ? 2 * 86_400_000 : 60_000));
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name, email: `${name}@images.test` }], type: "ecc", curve: "ed25519Legacy", date, format: "armored", ...(expired && { keyExpirationTime: 86_400 }) });
  const signingKeys: PrivateKey = await readPrivateKey({ armoredKey: privateKey });
  return {
    key: { armored: publicKey, fingerprint: signingKeys.getFingerprint(), owner: `${name} <${name}@images.test>` },
    async sign(bytes) {
      return Buffer.from(await sign({ message: await createMessage({ binary: bytes }), signingKeys, detached: true, ...(expired && { date: new Date(date.getTime() + 3_600_000) }) }) as string);
    },
    async clearSign(text) {
      return Buffer.from(await sign({ message: await createCleartextMessage({ text }), signingKeys, ...(expired && { date: new Date(date.getTime() + 3_600_000) }) }));
    },
  };
}
