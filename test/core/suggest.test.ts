import { expect, test } from "vitest";
import { didYouMean, editDistance, nearest } from "../../core/suggest.ts";

test.each<[string, string, number]>([["", "", 0], ["cpus", "cpus", 0], ["cpu", "cpus", 1], ["strat", "start", 1], ["fcso", "fcos", 1], ["kitten", "sitting", 3], ["", "abc", 3]])(
  "from %j to %j it is %i edits", (from, to, edits) => expect(editDistance(from, to)).toBe(edits),
);

test.each<[string, string | undefined]>([["cpu", "cpus"], ["memroy", "memory"], ["Memory", "memory"], ["mem", "memory"], ["xyz", undefined], ["", undefined]])(
  "%j most likely means %j", (word, meant) => expect(nearest(word, ["cpus", "memory", "disk"])).toBe(meant),
);

test("a message gets a tail where a word is near, else none", () => {
  expect(["cpu", "zzz"].map((word) => didYouMean(word, ["cpus"]))).toEqual(['; did you mean "cpus"?', ""]);
});
