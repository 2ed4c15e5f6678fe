import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockHolder, takeLock } from "../../core/lock.ts";
import { identityOf } from "../../core/process-identity.ts";
import { SmallDisk } from "../support/crash/small-disk.ts";

let folder: string;
let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(folder, "locks/default");
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
});

const worker = fileURLToPath(new URL("../support/lock-worker.ts", import.meta.url));
function startWorker(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, ["--import", "tsx", worker, ...argv], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}
async function startHolder(): Promise<ChildProcess> {
  const child = startWorker("hold", path);
  if (!child.stdout) throw new Error("no output");
  await once(child.stdout, "data");
  return child;
}
/** A lock file of somebody. */
function plant(name: string, fields: object): void {
  mkdirSync(join(folder, "locks"), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "locks", name), JSON.stringify(fields));
}
const dead = { pid: 4_000_000, startTime: "1", bootId: "x", purpose: "glowplug start", token: "0" };

test("a free lock is taken at once, in a private folder, and leaves nothing when it is released", async () => {
  const lock = await takeLock(path, { purpose: "a test" });
  expect(lockHolder(path)).toEqual({ ...identityOf(process.pid), purpose: "a test", token: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(statSync(join(folder, "locks")).mode & 0o777).toBe(0o700);
  lock.release();
  lock.release();
  expect(readdirSync(join(folder, "locks"))).toEqual([]);
  expect(lockHolder(path)).toBeUndefined();
});

test("a held lock is refused with the holder's name, also within one process", async () => {
  await takeLock(path, { purpose: "glowplug start default" });
  await expect(takeLock(path, { purpose: "glowplug stop", timeoutMs: 0 })).rejects.toMatchObject({
    code: "busy", message: `default is in use by process ${process.pid} (glowplug start default)`, hint: `Try again when it is done, or end process ${process.pid}.`,
  });
  await expect(takeLock(path, { purpose: "glowplug stop", timeoutMs: 300, subject: "the store" })).rejects.toMatchObject({ message: `the store is in use by process ${process.pid} (glowplug start default)` });
  expect(readdirSync(join(folder, "locks"))).toEqual(["default"]);
});

test("a waiting process is told once who it waits for, and goes on as soon as the lock is free", async () => {
  const first = await takeLock(path, { purpose: "glowplug start" });
  const told: string[] = [];
  const second = takeLock(path, { purpose: "glowplug stop", onWait: (holder) => told.push(holder) });
  await expect.poll(() => told).toEqual([`process ${process.pid} (glowplug start)`]);
  first.release();
  await second;
  expect([told, lockHolder(path)?.purpose]).toEqual([[`process ${process.pid} (glowplug start)`], "glowplug stop"]);
});

test("the signal ends the waiting with its own reason", async () => {
  await takeLock(path, { purpose: "glowplug start" });
  const abort = new AbortController();
  const waiting = takeLock(path, { purpose: "glowplug stop", signal: abort.signal, onWait: () => abort.abort(new Error("Ctrl-C")) });
  await expect(waiting).rejects.toThrow("Ctrl-C");
  await expect(takeLock(path, { purpose: "glowplug stop", signal: abort.signal })).rejects.toThrow("Ctrl-C");
});

test("the lock of a process killed with kill -9 passes to whoever waits for it", async () => {
  const holder = await startHolder();
  let waiting = (): void => {};
  const waits = new Promise<void>((resolve) => { waiting = resolve; });
  const next = takeLock(path, { purpose: "glowplug stop", onWait: waiting });
  await waits;
  holder.kill("SIGKILL");
  await next;
  expect(lockHolder(path)?.pid).toBe(process.pid);
});

test.each([
  ["of a dead process", dead],
  ["of a process whose number belongs to another now", { ...dead, pid: process.pid, bootId: identityOf(process.pid)?.bootId }],
  ["of this process's number before the last boot", { ...dead, pid: process.pid, startTime: identityOf(process.pid)?.startTime }],
  ["that a power failure emptied", {}],
])("a lock %s is free", async (_, fields) => {
  plant("default", fields);
  const lock = await takeLock(path, { purpose: "a test", timeoutMs: 0 });
  lock.release();
  expect(readdirSync(join(folder, "locks"))).toEqual([]);
});

test("a process that died while it freed a dead lock holds nobody up", async () => {
  plant("default", dead);
  plant(".default.free", { ...dead, purpose: "freeing a dead lock" });
  await takeLock(path, { purpose: "a test", timeoutMs: 0 });
  expect(readdirSync(join(folder, "locks"))).toEqual(["default"]);
});

test("what a process left that died while it freed a dead lock is cleared away by the next who takes the lock", async () => {
  plant(".default.free", { ...dead, purpose: "freeing a dead lock" });
  plant(".default.4000000-0123abcd.tmp", dead);
  await takeLock(path, { purpose: "a test", timeoutMs: 0 });
  expect(readdirSync(join(folder, "locks"))).toEqual(["default"]);
});

test("of many that find a dead lock, one at a time gets it", async () => {
  plant("default", dead);
  let inside = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 30 }, async () => {
    const lock = await takeLock(path, { purpose: "a test" });
    most = Math.max(most, (inside += 1));
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    lock.release();
  }));
  expect(most).toBe(1);
});

test("eight processes that count to 25 each, over a dead lock, count to 200", async () => {
  plant("default", dead);
  const file = join(folder, "count");
  writeFileSync(file, "0");
  const workers = Array.from({ length: 8 }, () => startWorker("count", path, file, "25"));
  const codes = await Promise.all(workers.map(async (child) => (await once(child, "exit"))[0] as number));
  expect([codes, readFileSync(file, "utf8")]).toEqual([Array(8).fill(0), "200"]);
  expect(readdirSync(join(folder, "locks"))).toEqual([]);
}, 60_000);

test("a folder that is removed while a lock is waited for is made again", async () => {
  const first = await takeLock(path, { purpose: "glowplug rm" });
  const second = takeLock(path, { purpose: "glowplug init", onWait: () => rmSync(join(folder, "locks"), { recursive: true, force: true }) });
  await second;
  first.release();
  expect(lockHolder(path)?.purpose).toBe("glowplug init");
});

/** The locks lie on a small file system of its own, which only root can mount. */
test("where the disk is full or read-only whoever may goes on without, unless somebody holds it", async () => {
  const disk = new SmallDisk(join(folder, "locks"), "64k");
  try {
    const mayDoWithout = { purpose: "glowplug stop", timeoutMs: 0, evenWithoutRoom: true };
    disk.fill();
    await expect(takeLock(path, { purpose: "glowplug start", timeoutMs: 0 })).rejects.toMatchObject({ code: "disk" });
    (await takeLock(path, mayDoWithout)).release();
    disk.makeRoom();
    disk.setReadOnly(true);
    (await takeLock(path, mayDoWithout)).release();
    disk.setReadOnly(false);
    const lock = await takeLock(path, { purpose: "glowplug start" });
    disk.fill();
    await expect(takeLock(path, mayDoWithout)).rejects.toMatchObject({ code: "busy" });
    expect(lockHolder(path)).toMatchObject({ purpose: "glowplug start" });
    lock.release();
  } finally {
    disk.remove();
  }
});
