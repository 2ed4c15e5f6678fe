import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { stateOf } from "../../../core/lifecycle/status.ts";
import { identityOf } from "../../../core/process-identity.ts";
import { makeTestFolder } from "../../support/folders.ts";

/** A machine whose keeper lives and takes no connection. */
async function deaf(): Promise<{ readonly keeper: ChildProcess; state(): ReturnType<typeof stateOf> }> {
  const { paths, remove } = makeTestFolder();
  onTestFinished(remove);
  const files = paths.machine("web");
  mkdirSync(files.runtime, { recursive: true, mode: 0o700 });
  const keeper = spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"], { stdio: "ignore" });
  onTestFinished(() => void keeper.kill("SIGKILL"));
  await once(keeper, "spawn");
  writeFileSync(files.keeperProcess, JSON.stringify(identityOf(keeper.pid ?? Number.NaN)));
  return { keeper, state: () => stateOf("web", paths) };
}

describe("a machine whose keeper takes no connection", () => {
  it("is stopped where that keeper was about to end", async () => {
    const { keeper, state } = await deaf();
    const told = state();
    keeper.kill("SIGKILL");
    expect(await told).toEqual({ state: "stopped", condition: "ok" });
  });

  it("is broken where that keeper stays", async () => {
    expect(await (await deaf()).state()).toEqual({ state: "running", condition: "broken", reason: "the keeper lives and does not answer" });
  });
});
