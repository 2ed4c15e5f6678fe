import { describe, expect, test } from "vitest";
import { readUserConfig } from "../../core/user-config.ts";

const ignition = { name: "ignition", firstBoot: "ignition" } as const;

test("a config of version 3 is taken as it stands", () => {
  const text = '{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core"}]}}';
  expect(readUserConfig("/a.ign", text, ignition)).toEqual({ path: "/a.ign", text });
});

describe("what would end the first boot is told now", () => {
  test.each([
    ["", "expected a JSON object, found nothing"],
    ["variant: fcos\n", 'expected a JSON object, found text that begins with "variant: fcos"'],
    ["[]", "expected a JSON object, found a list"],
    ["{}", "it has no ignition.version"],
    ['{"ignition":{"version":3}}', "it has no ignition.version"],
    ['{"ignition":{"version":"2.2.0"}}', 'it is of version "2.2.0"; expected 3.x'],
  ])("%j", (text, why) => {
    expect(() => readUserConfig("/a.ign", text, ignition)).toThrow(expect.objectContaining({ code: "bad-spec", message: `/a.ign is no Ignition config: ${why}` }));
  });

  test("a guest that reads another language", () => {
    expect(() => readUserConfig("/a.ign", "{}", { name: "mine", firstBoot: "cloud-init" })).toThrow(expect.objectContaining({
      code: "slots-mismatch", message: "/a.ign is an Ignition config, and the guest's first boot reads cloud-init (by mine)",
    }));
  });
});
