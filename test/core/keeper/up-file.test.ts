import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clearUp, readUp, writeUp, type UpFile } from "../../../core/keeper/up-file.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const up: UpFile = {
  ports: { open: [{ host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp", by: "host", carried: true }], guests: [] },
  hostKey: "ssh-ed25519 AAAA", stopping: { force: false, timeoutMs: 1000 },
};

it("is read as it was written, whole, until the machine is up no more", () => {
  const folder = scratchFolder();
  expect(readUp(folder)).toBeUndefined();
  writeUp(folder, { ports: { open: [], guests: [] } });
  writeUp(folder, up);
  expect(readUp(folder)).toEqual(up);
  expect(readdirSync(folder)).toEqual(["up.json"]);
  clearUp(folder);
  clearUp(folder);
  expect(readUp(folder)).toBeUndefined();
});

it.each(["", "{", "null", "[]", '{"ports":{}}', '{"ports":{"open":[]}}'])("that makes no sense (%j) says that nothing is up", (text) => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "up.json"), text);
  expect(readUp(folder)).toBeUndefined();
});

it("that cannot be written or removed is no error", () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, "up.json"));
  clearUp(folder);
  mkdirSync(join(folder, "up.json.new"));
  writeUp(folder, up);
  writeUp(join(folder, "gone"), up);
  expect(readUp(folder)).toBeUndefined();
});
