import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isoImage } from "../../core/iso9660.ts";
import { readIso } from "../fixtures/bin/read-iso.mjs";

function written(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "gp-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "seed.iso");
  writeFileSync(path, isoImage("CIDATA", files));
  return path;
}
const isoinfo = (path: string, ...argv: string[]): string => execFileSync("isoinfo", ["-i", path, "-R", ...argv], { encoding: "utf8" });
const seed = { "user-data": `#cloud-config\n${"é".repeat(3000)}\n`, "meta-data": "instance-id: a\n", "network-config": "" };

describe("an ISO 9660 image", () => {
  it("is known by its label to what mounts it", () => {
    // -p reads the image itself, and no cache.
    const found = execFileSync("/usr/sbin/blkid", ["-p", "-o", "export", written(seed)], { encoding: "utf8" });
    expect(found.split("\n")).toEqual(expect.arrayContaining(["LABEL=CIDATA", "TYPE=iso9660"]));
  });

  it("holds its files under their real names, with every byte, for another reader than ours", () => {
    const path = written(seed);
    expect(isoinfo(path, "-f").trim().split("\n").sort()).toEqual(["/meta-data", "/network-config", "/user-data"]);
    for (const [name, text] of Object.entries(seed)) expect(isoinfo(path, "-x", `/${name}`), name).toBe(text);
    expect(readIso(isoImage("CIDATA", seed), "CIDATA")).toEqual(seed);
  });

  it("gives its files to root alone", () => {
    expect(isoinfo(written(seed), "-l")).toMatch(/^-r-------- +1 +0 +0 +15 .* user-data $|^-r-------- +1 +0 +0 +\d+ .* user-data $/m);
  });

  it("has room for more files than a sector lists", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`part-${index}`, `${index}\n`]));
    expect(isoinfo(written(many), "-f").trim().split("\n")).toHaveLength(100);
    expect(readIso(isoImage("CIDATA", many), "CIDATA")).toEqual(many);
  });

  it("may be empty", () => {
    expect(readIso(isoImage("CIDATA", {}), "CIDATA")).toEqual({});
  });

  it("is the same for the same files, in whatever order they are named", () => {
    const [a, b] = [{ "user-data": "u", "meta-data": "m" }, { "meta-data": "m", "user-data": "u" }];
    expect(isoImage("CIDATA", a).equals(isoImage("CIDATA", b))).toBe(true);
  });

  it.each<[string, string, Record<string, string>]>([
    ["a label in small letters", "cidata", {}], ["a label that is too long", "A".repeat(33), {}],
    ["a name with a slash", "CIDATA", { "a/b": "" }], ["a name that is too long", "CIDATA", { ["a".repeat(101)]: "" }],
    ["two names that are one without Rock Ridge", "CIDATA", { "a-b": "", a_b: "" }],
  ])("is refused with %s", (_, label, files) => {
    expect(() => isoImage(label, files)).toThrow(expect.objectContaining({ code: "internal" }));
  });
});
