import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished, vi } from "vitest";
import { leash } from "../../core/leash.ts";
import { isGroupAlive } from "../../core/process-group.ts";
import { identityOf, type ProcessIdentity } from "../../core/process-identity.ts";
import { runningProcesses } from "../../core/process-table.ts";

async function sleeper(): Promise<ProcessIdentity> {
  const child = spawn("/bin/sh", ["-c", "sleep 60; :"], { detached: true, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const identity = identityOf(child.pid ?? Number.NaN);
  if (!identity) throw new Error("the sleeper is not there");
  return identity;
}
const watcherOf = (pid: number): number | undefined => runningProcesses().find(({ line }) => line.endsWith(` leash ${pid}`))?.pid;

it("that is taken off leaves the program, and no watcher", async () => {
  const program = await sleeper();
  const off = leash(program.pid);
  await vi.waitFor(() => expect(watcherOf(program.pid)).toBeDefined(), 10_000);
  off();
  await vi.waitFor(() => expect(watcherOf(program.pid)).toBeUndefined(), 10_000);
  expect(isGroupAlive(program)).toBe(true);
});
