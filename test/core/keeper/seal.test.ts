import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openFolders, sealFolders } from "../../../core/keeper/seal.ts";
import { removeTree } from "../../../core/remove-tree.ts";
import { makeTestFolder } from "../../support/folders.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("a forwarder's folder is closed to writing and opened again; the machine's own are left alone", () => {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  mkdirSync(join(path, "net"), { mode: 0o700 });
  const sockets = [join(path, "net/vm.sock"), join(path, "net/api.sock"), join(path, "own.sock")];
  sealFolders({ role: "helper", listens: sockets }, { data: "/data", runtime: path, logs: "/logs" });
  expect(modeOf(join(path, "net"))).toBe(0o700);
  sealFolders({ role: "forwarder", listens: sockets }, { data: "/data", runtime: path, logs: "/logs" });
  expect([modeOf(join(path, "net")), modeOf(path)]).toEqual([0o500, 0o700]);
  openFolders(sockets);
  expect(modeOf(join(path, "net"))).toBe(0o700);
  openFolders([join(path, "gone/vm.sock")]);
});

test("a sealed folder is removed with all in it", () => {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  mkdirSync(join(path, "web/net"), { recursive: true, mode: 0o700 });
  writeFileSync(join(path, "web/net/vm.sock"), "");
  sealFolders({ role: "forwarder", listens: [join(path, "web/net/vm.sock")] }, { data: "/data", runtime: path, logs: "/logs" });
  removeTree(join(path, "web"));
  expect(statSync(join(path, "web"), { throwIfNoEntry: false })).toBeUndefined();
  removeTree(join(path, "web"));
});
