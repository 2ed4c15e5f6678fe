import { describe, expect, it } from "vitest";
import { formatSize, parseDuration, parseSize } from "../../core/units.ts";

describe("sizes", () => {
  it.each([["512MiB", 536870912], ["4GiB", 4294967296], ["1.5 GiB", 1610612736], ["1TiB", 1099511627776]])("%s is %i bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  it.each(["4", "4GB", "GiB", "-1GiB", "4 gib", ""])("%j is refused with a hint", (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: "bad-size", hint: expect.stringContaining("4GiB") }));
  });
  it.each([[0, "0B"], [2147483648, "2GiB"], [1610612736, "1.5GiB"], [107374182400, "100GiB"]])("%i bytes print as %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe("durations", () => {
  it.each([["90s", 90_000], ["1h30m", 5_400_000], ["250ms", 250]])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each(["90", "s", "1h 30m", "-1s"])("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
