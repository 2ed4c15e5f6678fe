import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Children } from "../../../core/keeper/children.ts";
import { Journal } from "../../../core/keeper/journal.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const command = { name: "sleeper", program: process.execPath, argv: ["-e", "setInterval(() => {}, 60_000)"] };

it("keeps no process that it cannot write down, and one that it can until it is ended", async () => {
  const folder = scratchFolder();
  const journal = new Journal("web", join(folder, "events.jsonl"));
  const children = new Children({ name: "web", folders: { data: folder, runtime: folder, logs: folder } } as unknown as KeeperPlan, journal, process.env);
  onTestFinished(() => children.endAll());
  // As on a full disk, nothing can be written there.
  mkdirSync(join(folder, "children.json.new"));
  await expect(children.spawn(command, "helper")).rejects.toMatchObject({ code: "disk", message: expect.stringContaining("sleeper could not be written down") as string });
  expect(children.living).toEqual([]);
  rmdirSync(join(folder, "children.json.new"));
  const child = await children.spawn(command, "helper");
  expect(children.living).toEqual([child]);
  expect(JSON.parse(readFileSync(join(folder, "children.json"), "utf8"))).toMatchObject([{ name: "sleeper", role: "helper", identity: child.identity }]);
  await children.retire(child);
  expect(children.living).toEqual([]);
  await expect.poll(() => JSON.parse(readFileSync(join(folder, "children.json"), "utf8")) as unknown).toEqual([]);
});
