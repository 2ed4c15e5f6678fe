import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeShareNotes } from "../../../core/keeper/share-notes.ts";
import { sweep } from "../../../core/lifecycle/sweep.ts";
import { identityOf, isAlive } from "../../../core/process-identity.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { makeTestRun } from "../../support/run.ts";

it("ends what serves a volume that came while the machine ran, though nobody wrote that process down", async () => {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const run = makeTestRun(folder);
  const { runtime, keeperPlan } = folder.paths.machine("web");
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const words = (tag: string): string[] => ["-e", "setInterval(() => {}, 60_000)", join(runtime, `${tag}.sock`)];
  const folders = { runtime };
  writeFileSync(keeperPlan, JSON.stringify({
    folders, mounts: [], helpers: [], vm: { program: "/nowhere/qemu", name: "qemu", argv: [join(runtime, "qmp.sock")] },
    hotShares: { kind: "virtiofs", socket: join(runtime, "{tag}.sock"), writable: { program: process.execPath, name: "virtiofsd {target}", argv: words("{tag}") }, add: [], remove: [] },
  }));
  writeShareNotes({ folders } as never, [{ share: { source: "/src", target: "/mnt/src", readOnly: false }, kind: "virtiofs", tag: "volume-1", halfway: true }]);
  const child = spawn(process.execPath, words("volume-1"), { detached: true, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const identity = identityOf(child.pid ?? Number.NaN);

  await sweep("web", run);
  expect([identity && isAlive(identity), existsSync(runtime), run.told]).toEqual([false, false, ["info: ended a process that a lost keeper left behind"]]);
});
