import { describe, expect, it } from "vitest";
import { problemsOfUserData } from "./cloud-init.ts";

describe("the check of user-data", () => {
  it.each<[string, string, unknown[]]>([
    ["a good config", "#cloud-config\nhostname: web\nusers:\n  - name: core\n    uid: 1000\n", []],
    ["a field of another type", "#cloud-config\nhostname: [web]\n", [expect.stringMatching(/hostname: \['web'\] is not of type 'string'/)]],
    ["an unknown field", "#cloud-config\nwrite_files:\n  - path: /a\n    mode: 1\n", [expect.stringMatching(/Additional properties are not allowed \('mode' was unexpected\)/)]],
    ["a deprecated word", "#cloud-config\nusers:\n  - name: core\n    sudo: false\n", [expect.stringMatching(/DEPRECATED/)]],
    ["a text without its first line", "hostname: web\n", [expect.stringMatching(/#cloud-config/)]],
    ["a broken text", "#cloud-config\na: [\n", [expect.stringMatching(/not valid YAML|is not valid/i)]],
  ])("is told of %s", (_, text, problems) => {
    const found = problemsOfUserData(text);
    expect(problems.length === 0 ? found : [found.join("\n")]).toEqual(problems);
  });
});
