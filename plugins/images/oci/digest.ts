import { createHash } from "node:crypto";
import type { Digest } from "glowplug";
import { fault } from "./fault.ts";

/** "sha256:HEX" or "sha512:HEX" (image-spec, descriptor.md). Undefined for anything else: digests become parts of paths and addresses. */
export function readDigest(text: string): Digest | undefined {
  const [, algorithm = "", hex = ""] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  return (algorithm === "sha256" && hex.length === 64) || (algorithm === "sha512" && hex.length === 128) ? { algorithm, hex } : undefined;
}

/** The same, where nothing else will do. Throws MachineError "bad-image". */
export function needDigest(text: string, where: string): Digest {
  const digest = readDigest(text);
  if (digest) return digest;
  throw fault("bad-image", `${where} names ${JSON.stringify(text)}, which is no digest that can be checked`, "Expected sha256: or sha512: and lower-case hexadecimal digits.");
}

export function digestText({ algorithm, hex }: Digest): string {
  return `${algorithm}:${hex}`;
}

/** Throws MachineError "digest" unless the text is the one that was named. What is no UTF-8 is never the one, since such bytes came out changed. */
export function checkText(text: string, { algorithm, hex }: Digest, where: string): void {
  const found = createHash(algorithm).update(text).digest("hex");
  if (found === hex) return;
  throw fault("digest", `${where} is not what was named: expected ${algorithm} ${hex}, found ${found}`, "It was changed on the way, or is damaged; try again, or copy it anew.");
}
