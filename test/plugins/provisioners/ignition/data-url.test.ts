import { describe, expect, it } from "vitest";
import { dataUrl } from "../../../../plugins/provisioners/ignition/data-url.ts";

describe("a data URL", () => {
  it.each([
    ["nothing", "", "data:,"],
    ["a plain line", "a=1\n", "data:,a=1%0A"],
    ["what would end or change the URL", "?x#y&100%+longer_than_that", "data:,%3Fx%23y%26100%25%2Blonger_than_that"],
    ["letters of more than one byte", "häuser am meer", "data:,h%C3%A4user%20am%20meer"],
    ["text with many special characters, which is shorter in base64", "{}[]{}[]{}[]{}[]", "data:;base64,e31bXXt9W117fVtde31bXQ=="],
  ])("holds %s", async (_, text, url) => {
    expect(dataUrl(text)).toBe(url);
    expect(await (await fetch(url)).text()).toBe(text);
  });
});
