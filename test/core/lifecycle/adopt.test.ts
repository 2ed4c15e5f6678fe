import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { writeUp } from "../../../core/keeper/up-file.ts";
import { adoptLocked, adoptOrphan } from "../../../core/lifecycle/adopt.ts";
import { isAdoptable, stateOf } from "../../../core/lifecycle/status.ts";
import { takeLock } from "../../../core/lock.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../../../core/process-identity.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { makeTestRun } from "../../support/run.ts";

async function sleeper(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"], { detached: true, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const identity = identityOf(child.pid ?? Number.NaN);
  if (!identity) throw new Error("the sleeper is not there");
  return identity;
}

/** A machine whose VM lives and whose keeper is lost. */
async function orphan({ isUp = true, role = "vm" } = {}) {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const run = makeTestRun(folder);
  const files = folder.paths.machine("web");
  mkdirSync(files.runtime, { recursive: true, mode: 0o700 });
  const vm = await sleeper();
  writeFileSync(files.children, JSON.stringify([{ name: "qemu", role, program: "qemu", identity: vm }]));
  writeFileSync(files.keeperPlan, JSON.stringify({ deadlines: { monitorMs: 10_000, sshMs: 10_000 }, restart: "never" }));
  if (isUp) writeUp(files.runtime, { ports: { open: [], guests: [] } });
  return { run, files, vm, state: async () => { const { state, condition, reason } = await stateOf("web", run.paths); return [state, condition, reason]; } };
}

/** A keeper that was spawned to take it over and waits until it is asked. */
async function waitingKeeper({ files }: Pick<Awaited<ReturnType<typeof orphan>>, "files">, answer = '{"ok":true,"v":1,"value":{"state":"running","problems":[]}}') {
  const identity = await sleeper();
  writeFileSync(files.keeperProcess, JSON.stringify(identity));
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("data", (bytes: Buffer) => {
      const { op } = JSON.parse(bytes.toString()) as { op: string };
      const isReady = asked.includes("ready");
      if (op !== "status") asked.push(op);
      socket.end(`${op === "ready" || isReady ? answer : '{"ok":true,"v":1,"value":{"state":"adopting","problems":[]}}'}\n`);
    });
  }).listen(files.keeperSocket);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return { identity, asked };
}

it("asks a keeper that waits for that, once for several, and not as long as somebody else has the lock", async () => {
  const machine = await orphan();
  const { asked } = await waitingKeeper(machine);
  expect(await machine.state()).toEqual(["orphaned", "orphaned", "its keeper was lost, and another is about to take it over"]);
  const lock = await takeLock(machine.files.lock, { purpose: "a test" });
  const all = [1, 2, 3].map(() => adoptOrphan("web", machine.run));
  await expect.poll(() => machine.run.told).toHaveLength(3);
  expect(asked).toEqual([]);
  lock.release();
  await Promise.all(all);
  expect(asked).toEqual(["ready"]);
  expect(machine.run.told.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^info: waiting for process \d+ \(a test\)$/) as string));
  expect(machine.run.told.filter((line) => line.includes("has another now"))).toEqual(["info: web had lost its keeper, and has another now"]);
  expect(await machine.state()).toEqual(["running", "ok", undefined]);
});

it("leaves alone what cannot be taken over", async () => {
  const early = await orphan({ isUp: false });
  expect(await adoptLocked("web", early.run)).toBe(false);
  expect(await early.state()).toEqual(["orphaned", "orphaned", "its keeper was lost; qemu still run, and since it was not up yet the next start or stop ends them"]);
  const dead = await orphan({ role: "forwarder" });
  expect(await adoptLocked("web", dead.run)).toBe(false);
  expect(await dead.state()).toEqual(["stopped", "orphaned", "its VM and its keeper are gone, but qemu still run; the next start or stop ends them"]);
  await adoptOrphan("other", dead.run);
  expect([early.run.told, dead.run.told, isAlive(early.vm)]).toEqual([[], [], true]);
});

it("ends a keeper that cannot, and says why; the machine goes on", async () => {
  const machine = await orphan();
  const { identity } = await waitingKeeper(machine, '{"ok":false,"v":1,"error":{"code":"deadline","message":"waited 10 s for the VM\'s monitor"}}');
  // The one that would be spawned in its place finds no plan that makes sense either.
  await expect(adoptLocked("web", machine.run)).rejects.toMatchObject({ code: "keeper", message: expect.stringMatching(/^web has lost its keeper, and cannot be given another: /) as string, hint: expect.stringContaining("glowplug stop web") as string });
  await expect.poll(() => isAlive(identity)).toBe(false);
  expect([isAlive(machine.vm), isAdoptable(machine.files)]).toEqual([true, true]);
});
