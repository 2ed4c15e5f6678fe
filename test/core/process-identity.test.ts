import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identityOf, isAlive } from "../../core/process-identity.ts";

test("this process is alive, and its identity stays the same", () => {
  const self = identityOf(process.pid);
  expect(self).toEqual(identityOf(process.pid));
  expect(self && isAlive(self)).toBe(true);
});

test("a process that was killed is not alive, and neither is one that took its number or ran before a reboot", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const identity = identityOf(child.pid ?? 0);
  if (!identity) throw new Error("the child has no identity");
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, startTime: "1" })).toBe(false);
  expect(isAlive({ ...identity, bootId: "00000000-0000-0000-0000-000000000000" })).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(identity)).toBe(false);
  expect(identityOf(identity.pid)).toBeUndefined();
});

test("a process that has ended and was not waited for counts as gone", async () => {
  // The shell starts a child that ends, and becomes a program that never waits for it.
  const child = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const zombie = Number(line.toString());
  try {
    await expect.poll(() => identityOf(zombie)).toBeUndefined();
  } finally {
    child.kill("SIGKILL");
  }
});

test("a program whose name holds brackets and blanks does not confuse the reading", async () => {
  const named = spawn("node", ["-e", "process.title = 'a) b (c'; process.stdout.write('x'); setInterval(() => {}, 1000)"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    await once(named.stdout, "data");
    expect(identityOf(named.pid ?? 0)?.startTime).toMatch(/^\d+$|\d{4}$/);
  } finally {
    named.kill("SIGKILL");
  }
});
