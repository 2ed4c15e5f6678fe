import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definedIn } from "../spawn.ts";
import { pause } from "./again.ts";
import { describeExit, endChild, lastWords, spawnChild } from "./child.ts";
import type { Parts } from "./parts.ts";

/** Each hook has a deadline of its own; this one is for all that goes on beside them. */
const limitMs = 15 * 60_000;

/**
 * Has `start` go on where it would after a boot: the record, the volumes, the `afterStart` hooks. In a process of its own, since a keeper
 * never loads a user's code. Returns what ends it. What could not be done is left to the next start, with the reason; hooks that failed are a
 * problem of the machine.
 */
export function finishRestart(parts: Parts, environment: Readonly<Record<string, string | undefined>>): () => Promise<void> {
  const { plan: { again, folders }, shares, problems } = parts;
  if (!again) return async () => {};
  // As a start that was killed leaves it; nobody has that number.
  writeFileSync(again.begunFile, JSON.stringify({ ...again.begun, mounts: shares.list, by: { pid: 0, startTime: "", bootId: "" } }), { mode: 0o600 });
  const over = new AbortController();
  const work = async (): Promise<void> => {
    const child = await spawnChild({ ...again.command, env: definedIn(environment) }, "helper", join(folders.logs, "keeper.log"), environment);
    try {
      const exit = await Promise.race([child.exited, pause(limitMs, over.signal)]);
      if (exit?.code === 0 || over.signal.aborted) return;
      const why = exit ? [describeExit(exit), ...lastWords(child, 3)].join(": ") : `did not end within ${limitMs / 60_000} minutes`;
      if (leaveToNext(again.begunFile, why)) return;
      problems.set("afterStart", `the machine was started again, but what comes after a start ${why}`);
    } finally {
      await endChild(child, 2000);
    }
  };
  const done = work().catch((error: unknown) => problems.set("afterStart", `the machine was started again, and nothing could be run after it: ${String(error)}`));
  return async () => {
    over.abort();
    await done;
  };
}

/** Leaves what is to be done to the next start, and says why. False where all but hooks was done. */
function leaveToNext(file: string, why: string): boolean {
  if (!existsSync(file)) return false;
  const begun = JSON.parse(readFileSync(file, "utf8")) as { readonly why?: string };
  writeFileSync(file, JSON.stringify({ why: `what comes after a boot ${why}`, ...begun, by: null }), { mode: 0o600 });
  return true;
}
