import { excerpt, isObject, kindOf, MachineError, type Compression, type Digest, type FetchImage, type ImageQuery, type SourceFormat } from "glowplug";

/** A disk that the metadata offers. Whether the facts are sound is looked at once it is chosen: what is wrong with others is no matter. */
export interface OfferedDisk {
  /** "qemu", "applehv". */
  readonly platform: string;
  /** Format and compression, as the file's name ends: "qcow2.xz". */
  readonly ending: string;
  readonly release: unknown;
  readonly url: unknown;
  /** Address of its detached signature. */
  readonly signature: unknown;
  /** Its entry in the metadata: `sha256`, `uncompressed-sha256` and, for a build, `size`. */
  readonly facts: Readonly<Record<string, unknown>>;
}
interface Choice {
  readonly offer: OfferedDisk;
  readonly format: SourceFormat;
  readonly compression: Compression;
}

/** Parses metadata. Throws MachineError "bad-image" for what is none: the page of a proxy, for one. */
export function parseMetadata(text: string, address: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badImage(`${address} is no metadata of Fedora CoreOS: expected JSON, found ${excerpt(text)}`, answeredByAnother);
  }
  if (isObject(value)) return value;
  throw badImage(`${address} is no metadata of Fedora CoreOS: expected a JSON object, found ${kindOf(value)}`, answeredByAnother);
}

/** An object inside the metadata. Throws MachineError "bad-image" that says where it should be. */
export function objectIn(parent: Readonly<Record<string, unknown>>, field: string, address: string): Readonly<Record<string, unknown>> {
  const value = parent[field];
  if (isObject(value)) return value;
  throw badImage(`${address} is no metadata of Fedora CoreOS: expected an object ${JSON.stringify(field)}, found ${kindOf(value)}`, answeredByAnother);
}

/**
 * The disk for the launcher's best-liked platform, in a format that it boots, else in one that the core converts.
 * Throws MachineError "bad-image" that says what is there instead.
 */
export function chooseDisk(offers: readonly OfferedDisk[], address: string, { arch, platforms, formats }: ImageQuery): Choice {
  const liking = ({ format }: Choice): number => (formats as readonly SourceFormat[]).indexOf(format) + 1 || Infinity;
  for (const platform of platforms) {
    const [best] = offers.filter((offer) => offer.platform === platform).flatMap(readEnding).sort((a, b) => liking(a) - liking(b) || 0);
    if (best) return best;
  }
  const near = offers.filter(({ platform }) => platforms.includes(platform)).map(({ platform, ending }) => `${platform} as ${ending}`);
  const there = near.length > 0 ? near : [...new Set(offers.map(({ platform }) => platform))];
  const wanted = near.length > 0 ? `a ${formats.join(" or ")} disk, packed with ${compressions.join(", ")} or not` : `a disk for ${platforms.join(" or ")}`;
  throw badImage(`${address} offers no disk that fits: for ${arch} expected ${wanted}, found ${there.join(", ") || "none"}`, "Choose another launcher, release or image.");
}

/** Where an offered disk is and what it must be. Throws MachineError "bad-image" for an address or a checksum that is none. */
export function readDisk(offer: OfferedDisk, address: string): Pick<FetchImage, "url" | "digest" | "resultDigest" | "size"> & { readonly release: string } {
  const { facts, release, url } = offer;
  const sha256 = (field: string): Digest => {
    const hex = facts[field];
    if (typeof hex === "string" && /^[0-9a-f]{64}$/i.test(hex)) return { algorithm: "sha256", hex: hex.toLowerCase() };
    throw wrong(offer, address, field, "64 hexadecimal digits", hex);
  };
  if (typeof release !== "string" || !/^[\w.+-]+$/.test(release)) throw wrong(offer, address, "release", "a version", release);
  if (!isWebAddress(url)) throw wrong(offer, address, "location", "an http or https URL", url);
  const { size } = facts;
  return {
    release, url, digest: sha256("sha256"), ...(facts["uncompressed-sha256"] !== undefined && { resultDigest: sha256("uncompressed-sha256") }),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size > 0 && { size }),
  };
}

/** Address of an offered disk's signature. Throws MachineError "bad-image" where there is none. */
export function readSignature(offer: OfferedDisk, address: string): string {
  if (isWebAddress(offer.signature)) return offer.signature;
  throw wrong(offer, address, "signature", "an http or https URL", offer.signature);
}

function isWebAddress(value: unknown): value is string {
  return typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

function wrong({ platform, ending }: OfferedDisk, address: string, field: string, expected: string, found: unknown): MachineError {
  return badImage(`${address} describes its ${platform} disk (${ending}) wrongly: expected ${expected} as ${field}, found ${JSON.stringify(found) ?? "nothing"}`, "Choose another release, or try again later.");
}

const compressions = ["gz", "xz", "zst", "bz2"] as const;

/** Nothing for what is no disk by itself: "iso", "ova", "tar.gz", and "4k.raw.xz" with its other sectors. */
function readEnding(offer: OfferedDisk): readonly Choice[] {
  const match = /^(raw|qcow2|vmdk|vhdx)(?:\.(gz|xz|zst|bz2))?$/.exec(offer.ending);
  return match ? [{ offer, format: match[1] as SourceFormat, compression: (match[2] ?? "none") as Compression }] : [];
}

const answeredByAnother = "Something else may have answered in Fedora's place, a proxy or a login page; open the address in a browser.";

export function badImage(message: string, hint: string): MachineError {
  return new MachineError("bad-image", message, { plugin: "fcos", hint });
}
