import { createHash } from "node:crypto";
import { readDigest, type Digest } from "glowplug";
import { fault } from "./fault.ts";

/** A digest where nothing else will do. Throws MachineError "bad-image". */
export function needDigest(text: string, where: string): Digest {
  const digest = readDigest(text);
  if (digest) return digest;
  throw fault("bad-image", `${where} names ${JSON.stringify(text)}, which is no digest that can be checked`, "Expected sha256: or sha512: and lower-case hexadecimal digits.");
}

/** Throws MachineError "digest" unless the text is the one that was named. What is no UTF-8 is never the one, since such bytes came out changed. */
export function checkText(text: string, { algorithm, hex }: Digest, where: string): void {
  const found = createHash(algorithm).update(text).digest("hex");
  if (found === hex) return;
  throw fault("digest", `${where} is not what was named: expected ${algorithm} ${hex}, found ${found}`, "It was changed on the way, or is damaged; try again, or copy it anew.");
}
