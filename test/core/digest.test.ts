import { expect, test } from "vitest";
import { digestText, readDigest } from "../../core/digest.ts";

test.each([["sha256", 64], ["sha512", 128]] as const)("a %s digest has %d digits, and is written as it was read", (algorithm, length) => {
  const text = `${algorithm}:${"0a".repeat(length / 2)}`;
  expect(readDigest(text)).toEqual({ algorithm, hex: "0a".repeat(length / 2) });
  expect(digestText({ algorithm, hex: "0a".repeat(length / 2) })).toBe(text);
});

test.each(["", "sha256:", `sha256:${"0".repeat(63)}`, `sha512:${"0".repeat(64)}`, `sha256:${"A".repeat(64)}`, `md5:${"0".repeat(32)}`, `sha256:../${"0".repeat(61)}`, ` sha256:${"0".repeat(64)}`])("%j is none", (text) => {
  expect(readDigest(text)).toBeUndefined();
});
