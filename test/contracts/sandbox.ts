import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import childProcess from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folders of a machine that does not exist, with the files that a plan may ask for. */
export interface Sandbox {
  readonly folder: string;
  readonly data: string;
  readonly runtime: string;
  readonly disk: string;
  readonly seed: string;
}

/** Makes a sandbox, and removes it when the work is done. */
export async function inSandbox<T>(work: (sandbox: Sandbox) => Promise<T> | T): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gp-")));
  const [data, runtime] = [join(folder, "data"), join(folder, "run")];
  for (const path of [data, runtime]) mkdirSync(path, { mode: 0o700 });
  const [disk, seed] = [join(data, "disk.img"), join(data, "seed.json")];
  writeFileSync(disk, Buffer.alloc(512));
  writeFileSync(seed, '{ "ignition": { "version": "3.3.0" } }\n');
  try {
    return await work({ folder, data, runtime, disk, seed });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Does work that must leave no trace. Throws when a file of the sandbox was made, changed or removed, when a process was started or
 * when something listened. Meanwhile Node's ways to wait for a child process throw as well, since nothing tells of those.
 */
export async function withoutEffects<T>({ folder }: Sandbox, who: string, work: () => Promise<T> | T): Promise<T> {
  const before = look(folder);
  const done: string[] = [];
  const hook = createHook({
    init(_, type) {
      const what = effects[type];
      if (what !== undefined) done.push(what);
    },
  }).enable();
  const giveBack = takeAwayWaiting((way) => {
    done.push(`called ${way}`);
    throw new Error(`${who} called ${way}: return a Command, which the core runs, or ask host.probe()`);
  });
  try {
    const result = await work();
    assert.deepEqual(done, [], `${who} must only plan: it ${done.join(", ")}`);
    assert.deepEqual(look(folder), before, `${who} must only plan: it touched files`);
    return result;
  } finally {
    giveBack();
    hook.disable();
  }
}

/** What Node calls the thing behind a child process and behind a socket that listens. */
const effects: Readonly<Record<string, string>> = {
  PROCESSWRAP: "started a process", PIPESERVERWRAP: "listened on a unix socket", TCPSERVERWRAP: "listened on a TCP port", UDPWRAP: "opened a UDP port",
};
const waiting = ["spawnSync", "execSync", "execFileSync"] as const;

function takeAwayWaiting(call: (way: string) => never): () => void {
  const before = Object.fromEntries(waiting.map((way) => [way, childProcess[way]]));
  Object.assign(childProcess, Object.fromEntries(waiting.map((way) => [way, () => call(way)])));
  syncBuiltinESMExports();
  return () => {
    Object.assign(childProcess, before);
    syncBuiltinESMExports();
  };
}

/** Everything below a folder: modes, times and contents. */
function look(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeMs } = statSync(path);
    return `${path} ${mode.toString(8)} ${mtimeMs} ${entry.isFile() ? readFileSync(path, "base64") : ""}`;
  }).sort();
}
