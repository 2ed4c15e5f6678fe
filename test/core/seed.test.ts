import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Seed } from "../../core/model.ts";
import { seedText, writeSeed } from "../../core/seed.ts";
import { readIso } from "../fixtures/bin/read-iso.mjs";

const nocloud: Seed = { kind: "nocloud", files: { "meta-data": "instance-id: a\n", "user-data": "#cloud-config\n" } };
function paths() {
  const folder = mkdtempSync(join(tmpdir(), "gp-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { ignition: join(folder, "ignition.json"), nocloud: join(folder, "seed.iso") };
}

it("writes an Ignition config as it is, for the owner alone", async () => {
  const files = paths();
  expect(await writeSeed({ kind: "ignition", text: "{}\n" }, files)).toEqual({ kind: "ignition", path: files.ignition });
  expect(readFileSync(files.ignition, "utf8")).toBe("{}\n");
  expect(statSync(files.ignition).mode & 0o777).toBe(0o600);
});

it("writes cloud-init's files as a disk with the label that it looks for, for the owner alone", async () => {
  const files = paths();
  expect(await writeSeed(nocloud, files)).toEqual({ kind: "nocloud", path: files.nocloud });
  expect(readIso(readFileSync(files.nocloud), "CIDATA")).toEqual(nocloud.files);
  expect(statSync(files.nocloud).mode & 0o777).toBe(0o600);
});

it("shows a seed as text: one file as it is, several with their names", () => {
  expect(seedText({ kind: "ignition", text: "{}\n" })).toBe("{}\n");
  expect(seedText(nocloud)).toBe("==> meta-data <==\ninstance-id: a\n\n==> user-data <==\n#cloud-config\n");
});
