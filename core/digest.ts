import type { Digest } from "./model.ts";

/** "sha256:HEX" or "sha512:HEX" in lower case, as OCI's image-spec has it (descriptor.md). Undefined for anything else: digests become parts of paths and addresses. */
export function readDigest(text: string): Digest | undefined {
  const [, algorithm = "", hex = ""] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  return (algorithm === "sha256" && hex.length === 64) || (algorithm === "sha512" && hex.length === 128) ? { algorithm, hex } : undefined;
}

/** The inverse of `readDigest`. */
export function digestText({ algorithm, hex }: Digest): string {
  return `${algorithm}:${hex}`;
}
