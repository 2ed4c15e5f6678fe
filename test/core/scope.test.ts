import { describe, expect, it } from "vitest";
import { silentReport } from "../../core/run.ts";
import { Scope } from "../../core/scope.ts";

describe("a rollback scope", () => {
  it("undoes in reverse order what a failed recipe began, and throws its error", async () => {
    const undone: string[] = [];
    const failed = Scope.run(silentReport, async (scope) => {
      scope.defer("first", () => void undone.push("first"));
      scope.defer("second", () => void undone.push("second"));
      throw new Error("third failed");
    });
    await expect(failed).rejects.toThrow("third failed");
    expect(undone).toEqual(["second", "first"]);
  });

  it("keeps everything when the recipe ends well", async () => {
    const undone: string[] = [];
    await Scope.run(silentReport, async (scope) => scope.defer("first", () => void undone.push("first")));
    expect(undone).toEqual([]);
  });

  it("warns of an undo that fails and goes on with the others", async () => {
    const undone: string[] = [];
    const warnings: string[] = [];
    const failed = Scope.run({ ...silentReport, warn: (line) => void warnings.push(line) }, async (scope) => {
      scope.defer("first", () => void undone.push("first"));
      scope.defer("second", () => { throw new Error("busy"); });
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(undone).toEqual(["first"]);
    expect(warnings).toEqual(["could not undo: second: busy"]);
  });
});
