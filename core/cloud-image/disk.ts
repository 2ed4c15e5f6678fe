import { readChecksums } from "../checksums.ts";
import { readDiskName } from "../disk-name.ts";
import { MachineError } from "../errors.ts";
import { excerpt } from "../json.ts";
import type { FetchImage } from "../located-image.ts";
import type { Digest } from "../model.ts";
import type { ChecksumSource, TrustedKey } from "../signature.ts";
import { withParts } from "./looks.ts";
import { fillPattern, readPattern, shownPattern, type Words } from "./name-pattern.ts";
import { newestOffers } from "./offers.ts";
import { addressOf, badIndex, below, type Search } from "./recipe.ts";

/** The disk that the words name, with the checksum that its publisher lists. Throws MachineError "signature", "bad-image", "not-found", "download". */
export async function describeDisk(search: Search, found: Words): Promise<FetchImage> {
  const { image } = search;
  const checksums = await readList(search, found);
  const { words, file, digest } = chooseFile(search, found, checksums);
  const { release = "", build } = words;
  if (build === undefined && search.wish.build !== undefined) {
    throw new MachineError("not-found", `${image.title} has no builds of a release, so there is no ${release}:${search.wish.build}`, { plugin: image.name, hint: "Leave the build out." });
  }
  const path = fillPattern(image.file, words);
  const { format = "qcow2", compression } = readDiskName(file);
  const mirrors = search.url === undefined ? (image.mirrors ?? []).map((mirror) => below(fillPattern(mirror, words), path)) : [];
  const signers = image.fileSignature === undefined ? [] : keysOf(search, words);
  return {
    kind: "fetch", title: `${image.title} ${release}${build === undefined ? "" : ` (${build})`}`, release: build === undefined ? release : `${release}:${build}`,
    url: addressOf(search, path, words), ...(mirrors.length > 0 && { mirrors }), digest, checksums: checksums.source,
    ...(image.fileSignature !== undefined && signers.length > 0 && { signature: { url: addressOf(search, fillPattern(image.fileSignature, { ...words, file }), words), keys: signers } }),
    format, compression,
  };
}

interface Checksums {
  readonly address: string;
  readonly list: ReadonlyMap<string, Digest>;
  readonly source: ChecksumSource;
}

async function readList(search: Search, words: Words): Promise<Checksums> {
  const { image, query } = search;
  const named = image.checksums.includes("{file}") ? { ...words, file: lastOf(fillPattern(image.file, words)) } : words;
  const address = addressOf(search, fillPattern(image.checksums, named), words);
  const keys = image.signature === undefined ? [] : keysOf(search, words);
  const beside = image.signature === undefined || image.signature === "inside" ? {} : { signature: addressOf(search, fillPattern(image.signature, named), words) };
  // Without keys a clear-signed list is read as it stands: no line of its armor is a checksum.
  const { text, source } = keys.length > 0 ? await query.fetchSigned(address, { ...beside, keys }) : { text: await query.fetchText(address), source: { url: address } };
  const list = readChecksums(text);
  if (list.size === 0) throw badIndex(image, `${address} is not what it was: expected a list of checksums, found ${excerpt(text)}`);
  return { address, list, source };
}

/** The disk among the checksums: by its name, else the newest that has such a name. */
function chooseFile({ image, wish }: Search, found: Words, { address, list }: Checksums): { readonly words: Words; readonly file: string; readonly digest: Digest } {
  const pattern = lastOf(image.file);
  const lone = list.size === 1 && image.checksums.includes("{file}") ? list.get("") : undefined;
  if (lone) return { words: found, file: fillPattern(pattern, found), digest: lone };
  const offers = [...list.keys()].map((name) => readPattern(pattern, found, name)).filter((words) => words !== undefined);
  if (offers.length === 0) {
    const names = [...list.keys()].filter((name) => name !== "");
    throw badIndex(image, `${address} has no checksum of ${shownPattern(pattern, found)}; it has those of ${names.slice(0, 5).join(", ") || "nothing that has a name"}${names.length > 5 ? " and others" : ""}`);
  }
  const [newest] = newestOffers(offers, wish, { title: image.title, plugin: image.name, address });
  const words = withParts({ ...found, ...newest });
  const file = fillPattern(pattern, words);
  const digest = list.get(file);
  if (!digest) throw new Error(`${file} is the name that was read`);
  return { words, file, digest };
}

/** Throws MachineError "signature" for a release that is signed by a key which is not known here. */
function keysOf({ image, keys }: Search, words: Words): readonly TrustedKey[] {
  if (keys) return keys;
  if (!image.keys) return [];
  const known = image.keys(words);
  if (known.length > 0) return known;
  throw new MachineError("signature", `${image.title} ${words["release"] ?? ""} is signed by a key that is not known here`, {
    plugin: image.name, hint: `A newer glowplug may know it. Choose another release, or name the key in the option "keys"; an empty list there goes by the checksum alone.`,
  });
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
