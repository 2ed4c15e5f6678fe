import { describe, expect, it } from "vitest";
import { problemsOfIgnition } from "./ignition.ts";

describe("the check of Ignition configs", () => {
  it.each([
    ["a good config", { ignition: { version: "3.3.0" }, storage: { files: [{ path: "/a", mode: 1, user: { name: "root" } }] } }, []],
    ["an unknown field", { ignition: { version: "3.3.0" }, storage: { files: [{ path: "/a", mod: 1 }] } }, [
      "warning at $.storage.files.0.mod, line 1 col 66: Unused key mod", '/storage/files/0 must NOT have unevaluated properties {"unevaluatedProperty":"mod"}',
    ]],
    ["a field of another type", { ignition: { version: "3.3.0" }, systemd: { units: [{ name: "a.service", enabled: "yes" }] } }, [
      expect.stringContaining("error at"), '/systemd/units/0/enabled must be boolean,null {"type":["boolean","null"]}',
    ]],
  ])("is told of %s", (_, config, problems) => {
    expect(problemsOfIgnition(JSON.stringify(config))).toEqual(problems);
  });
});
