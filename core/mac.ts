import { createHash } from "node:crypto";

/** A locally administered unicast MAC address that is a machine's own: made of its name and folder, so it stays. */
export function macOf(seed: string): string {
  const bytes = createHash("sha256").update(seed).digest().subarray(0, 6);
  // Bit 1 of the first byte says "locally administered", bit 0 "multicast" (IEEE 802, clause 8.4).
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
