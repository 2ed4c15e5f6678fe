/** OpenPGP signatures of publishers (RFC 9580). Types only. */

/** A public key that may sign, and that ships with the plugin which names it. */
export interface TrustedKey {
  /** The key as an ASCII-armored block. */
  readonly armored: string;
  /** Fingerprint of its primary key, hexadecimal without blanks. The block must hold this key: what is trusted is the fingerprint. */
  readonly fingerprint: string;
  /** Whose it is, for people: "Fedora 44 <fedora-44-primary@fedoraproject.org>". */
  readonly owner: string;
}

/** A detached signature of a file that is fetched. */
export interface FileSignature {
  readonly url: string;
  /** One of these must have signed. */
  readonly keys: readonly TrustedKey[];
}

/** Who signed, as it was found when it was checked. */
export interface VerifiedSignature {
  /** Address of the signature; that of the text itself where it is clear-signed. */
  readonly url: string;
  /** Of the primary key. */
  readonly fingerprint: string;
  readonly owner: string;
  /** ISO 8601. */
  readonly signed: string;
}

/** What a published checksum was read from. */
export interface ChecksumSource {
  readonly url: string;
  /** The publisher's signature of that text, already verified. */
  readonly signature?: VerifiedSignature;
}
