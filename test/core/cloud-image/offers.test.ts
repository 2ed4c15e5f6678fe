import { describe, expect, it } from "vitest";
import { compareNumbers, newestOffers } from "../../../core/cloud-image/offers.ts";

const from = { title: "Our Linux", plugin: "ours", address: "https://images.test/" };
const offers = [
  { release: "9.6", build: "20260101.0" }, { release: "10.2", build: "20260525.0" }, { release: "10.2", build: "20260525.1" }, { release: "10.1", build: "20270101.0" }, { release: "10.10", build: "1" },
];

describe("of several offers", () => {
  it.each<[object, string]>([
    [{}, "10.10 1"], [{ release: "10" }, "10.10 1"], [{ release: "10.2" }, "10.2 20260525.1"], [{ release: "10.2", build: "20260525.0" }, "10.2 20260525.0"], [{ release: "10.2", build: "20260525" }, "10.2 20260525.1"],
    [{ release: "9" }, "9.6 20260101.0"], [{ release: "10.1" }, "10.1 20270101.0"], [{ build: "20260101.0" }, "9.6 20260101.0"],
  ])("%j takes %s", (wish, expected) => {
    const [newest] = newestOffers(offers, wish, from);
    expect(`${newest?.["release"]} ${newest?.["build"]}`).toBe(expected);
  });

  it("a codename will do, and what an offer does not say fits", () => {
    expect(newestOffers([{ release: "12", codename: "bookworm" }, { release: "13", codename: "trixie" }], { release: "bookworm", build: "5" }, from)).toEqual([{ release: "12", codename: "bookworm" }]);
  });

  it.each<[object, string]>([
    [{ release: "11" }, "Our Linux has no release 11: https://images.test/ has 10.10, 10.2, 10.1, 9.6"],
    [{ release: "1" }, "Our Linux has no release 1: https://images.test/ has 10.10, 10.2, 10.1, 9.6"],
    [{ release: "10.2", build: "7" }, "Our Linux has no build 7 of release 10.2: https://images.test/ has 20260525.1, 20260525.0"],
  ])("none is %j, and it is told what there is", (wish, message) => {
    expect(() => newestOffers(offers, wish, from)).toThrowError(expect.objectContaining({ code: "not-found", message, plugin: "ours", hint: "Choose one of these, or leave it out for the newest." }));
  });

  it("tells ten of many", () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ release: String(index) }));
    expect(() => newestOffers(many, { release: "40" }, from)).toThrow("has 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, and older ones");
  });
});

it.each([["1.2", "1.10", -1], ["20260712-2537", "20260712-2540", -1], ["10", "10.1", -1], ["v9", "v10", -1], ["1.7", "1.7", 0], ["2", "1.9", 1]])("%s and %s are ordered by their numbers", (one, other, sign) => {
  expect(Math.sign(compareNumbers(one, other))).toBe(sign);
  expect(Math.sign(compareNumbers(other, one))).toBe(-sign || 0);
});
