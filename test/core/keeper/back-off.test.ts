import { expect, test } from "vitest";
import { BackOff } from "../../../core/keeper/back-off.ts";

test("each end in a row is waited after a little longer, up to the last pause", () => {
  const backOff = new BackOff([0, 100, 500], 10_000);
  expect([0, 10, 200, 900, 2000].map((now) => backOff.next(now))).toEqual([
    { count: 1, pauseMs: 0 }, { count: 2, pauseMs: 100 }, { count: 3, pauseMs: 500 }, { count: 4, pauseMs: 500 }, { count: 5, pauseMs: 500 },
  ]);
});

test("what has run for a while begins anew; the pause before it ran does not count", () => {
  const backOff = new BackOff([0, 6000], 10_000);
  expect([0, 1, 12_000, 28_001].map((now) => backOff.next(now).count)).toEqual([1, 2, 3, 1]);
});
