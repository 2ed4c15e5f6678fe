import { digestText } from "../digest.ts";
import type { Verification } from "../record.ts";

/** What was verified of an image, as `inspect` and `image ls` show it. */
export function verifiedView(verified: readonly Verification[]): readonly object[] {
  return verified.map(({ what, digest, by, over }) => ({ What: what, Digest: digest ? digestText(digest) : null, By: by ?? null, Over: over ?? null }));
}
