import type { Digest, DigestAlgorithm } from "./model.ts";

/**
 * Checksums that a publisher lists, by the file's name: in GNU's form (`HEX  NAME`, `HEX *NAME`), in BSD's (`SHA256 (NAME) = HEX`), or both, with
 * comments between them. A checksum that stands alone in a file of its own has the name "". Of several for one file the longest is taken; md5 and
 * sha1 are none. Empty for a text that is no list of checksums.
 */
export function readChecksums(text: string): ReadonlyMap<string, Digest> {
  const found = new Map<string, Digest>();
  for (const line of text.split(/\r?\n/)) {
    const [, bsdAlgorithm, bsdName, bsdHex] = /^(SHA\d+) \((.+)\) = ([0-9a-f]+)$/i.exec(line.trim()) ?? [];
    const [, hex = bsdHex, gnuName] = /^([0-9a-f]+)(?: [ *](.+))?$/i.exec(line.trim()) ?? [];
    const algorithm = hex === undefined ? undefined : algorithmOf(hex);
    if (hex === undefined || algorithm === undefined || (bsdAlgorithm !== undefined && bsdAlgorithm.toLowerCase() !== algorithm)) continue;
    const name = (bsdName ?? gnuName ?? "").replace(/^\.\//, "");
    const known = found.get(name);
    if (!known || known.hex.length < hex.length) found.set(name, { algorithm, hex: hex.toLowerCase() });
  }
  return found;
}

function algorithmOf(hex: string): DigestAlgorithm | undefined {
  return ({ 64: "sha256", 128: "sha512" } as const)[hex.length];
}
