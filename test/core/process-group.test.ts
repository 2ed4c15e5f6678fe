import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { endGroup, isGroupAlive, killGroup } from "../../core/process-group.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../../core/process-identity.ts";

/** A session whose first process has started another. */
async function session(): Promise<{ readonly leader: ProcessIdentity; readonly other: ProcessIdentity }> {
  const child = spawn("sh", ["-c", "sleep 60 & echo $!; wait"], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [leader, other] = [child.pid ?? 0, Number(line.toString())].map(identityOf);
  if (!leader || !other) throw new Error("the processes have no identity");
  onTestFinished(() => void killGroup(leader, "SIGKILL"));
  return { leader, other };
}

test("a signal reaches what a process started, too", async () => {
  const { leader, other } = await session();
  expect(isGroupAlive(leader)).toBe(true);
  expect(killGroup(leader, "SIGTERM")).toBe(true);
  await expect.poll(() => [isAlive(leader), isAlive(other), isGroupAlive(leader)]).toEqual([false, false, false]);
});

test("a group is found when the process that began it has ended", async () => {
  const { leader, other } = await session();
  process.kill(leader.pid, "SIGKILL");
  await expect.poll(() => isAlive(leader)).toBe(false);
  expect([isAlive(other), isGroupAlive(leader)]).toEqual([true, true]);
  await endGroup(leader);
  expect([isAlive(other), isGroupAlive(leader)]).toEqual([false, false]);
});

test("another process of the same number, and one from before a reboot, are left alone", async () => {
  const { leader } = await session();
  for (const stranger of [{ ...leader, startTime: "1" }, { ...leader, bootId: "00000000-0000-0000-0000-000000000000" }]) {
    expect([isGroupAlive(stranger), killGroup(stranger, "SIGKILL")]).toEqual([false, false]);
  }
  expect(isAlive(leader)).toBe(true);
});
