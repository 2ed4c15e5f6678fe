import { expect, test } from "vitest";
import { isLight, lightVerbs } from "../../../core/cli/light-verbs.ts";
import { verbs } from "../../../core/cli/verbs.ts";

test.each<[string[], boolean]>([
  [["list"], true],
  [["ls", "--quiet"], true],
  [["machine", "inspect", "web"], true],
  [["exec", "web", "true"], true],
  [["ssh"], true],
  [["up"], false],
  [["machine", "up"], false],
  [["machine"], false],
  [["--quiet", "list"], false], // every verb is there for it, this one as well
  [["./machine.ts", "list"], false],
  [[], false],
])("%j is for the light verbs: %s", (argv, light) => {
  expect(isLight(argv)).toBe(light);
});

test("the light verbs are among all verbs", () => {
  expect(verbs).toEqual(expect.arrayContaining([...lightVerbs]));
});
