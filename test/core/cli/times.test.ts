import { describe, expect, test } from "vitest";
import { ago, elapsed, roughDuration, roughly } from "../../../core/cli/times.ts";

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

describe("rough durations are docker's", () => {
  test.each([
    [0, "Less than a second"], [999, "Less than a second"], [second, "1 second"], [59 * second, "59 seconds"],
    [minute, "About a minute"], [119 * second, "About a minute"], [2 * minute, "2 minutes"], [59 * minute, "59 minutes"],
    [hour, "About an hour"], [89 * minute, "About an hour"], [90 * minute, "2 hours"], [47 * hour, "47 hours"],
    [48 * hour, "2 days"], [13 * day, "13 days"], [14 * day, "2 weeks"], [59 * day, "8 weeks"], [60 * day, "2 months"], [729 * day, "24 months"], [730 * day, "2 years"],
  ])("%d ms is %s", (ms, expected) => {
    expect(roughDuration(ms)).toBe(expected);
  });
});

test("a moment in the future is no negative time ago", () => {
  expect(ago(new Date(5000), 1000)).toBe("Less than a second ago");
  expect(ago(new Date(0), 3 * day)).toBe("3 days ago");
});

test.each([[0, "0.0 s"], [340, "0.3 s"], [12_340, "12.3 s"], [59_949, "59.9 s"], [59_950, "1 min 0 s"], [125_000, "2 min 5 s"], [3_840_000, "1 h 4 min"]])(
  "%d ms took %s", (ms, expected) => expect(elapsed(ms)).toBe(expected));

test.each([[100, "1 s"], [11_200, "12 s"], [61_000, "1 min 1 s"]])("%d ms are roughly %s", (ms, expected) => expect(roughly(ms)).toBe(expected));
