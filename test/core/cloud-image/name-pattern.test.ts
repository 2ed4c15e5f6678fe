import { describe, expect, it } from "vitest";
import { fillPattern, readPattern, shownPattern } from "../../../core/cloud-image/name-pattern.ts";

const rocky = "Rocky-{major}-GenericCloud-Base-{release}-{build}.{arch}.qcow2";

describe("a pattern", () => {
  it("is filled in with words", () => {
    expect(fillPattern(rocky, { major: "10", release: "10.2", build: "20260525.0", arch: "x86_64" })).toBe("Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2");
    expect(() => fillPattern(rocky, { major: "10" })).toThrow("the pattern Rocky-{major}-GenericCloud-Base-{release}-{build}.{arch}.qcow2 has the word release, which is not known");
  });

  it.each<[string, Record<string, string>, string, object | undefined]>([
    [rocky, { arch: "x86_64" }, "Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2", { major: "10", release: "10.2", build: "20260525.0" }],
    [rocky, { arch: "x86_64", release: "10.2" }, "Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2", { major: "10", build: "20260525.0" }],
    [rocky, { arch: "x86_64", release: "10.1" }, "Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2", undefined],
    [rocky, { arch: "aarch64" }, "Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2", undefined],
    [rocky, { arch: "x86_64" }, "Rocky-10-GenericCloud-Base.latest.x86_64.qcow2", undefined],
    [rocky, { arch: "x86_64" }, "Rocky-10-GenericCloud-LVM-10.2-20260525.0.x86_64.qcow2", undefined],
    [rocky, { arch: "x86_64" }, "Rocky-10-GenericCloud-Base-10.2-20260525.0.x86_64.qcow2.CHECKSUM", undefined],
    ["{build}/", {}, "20260712-2537/", { build: "20260712-2537" }],
    ["{build}/", {}, "latest/", undefined],
    ["{codename}/", {}, "trixie/", { codename: "trixie" }],
    ["v{release}/", {}, "v20260715.556894/", { release: "20260715.556894" }],
    ["{release}/{release}.img", {}, "13/13.img", { release: "13" }],
    ["{release}/{release}.img", {}, "13/12.img", undefined],
    ["a+b.{arch}", { arch: "x.y" }, "a+b.x.y", {}],
    ["a+b.{arch}", { arch: "x.y" }, "aab-x-y", undefined],
  ])("%s, of which %j is known, reads %s", (pattern, known, name, words) => expect(readPattern(pattern, known, name)).toEqual(words));

  it("is shown with what is known", () => expect(shownPattern(rocky, { arch: "x86_64" })).toBe("Rocky-MAJOR-GenericCloud-Base-RELEASE-BUILD.x86_64.qcow2"));
});
