import { setMaxListeners } from "node:events";
import { hostOfProcess } from "../../core/host.ts";
import type { HostFacts } from "../../core/model.ts";
import { noTrace, type Report, type Run } from "../../core/run.ts";
import type { TestFolder } from "./folders.ts";

/** What a run of a verb told the user, in order: "Copying a disk", "Copying a disk: done". */
export interface TestRun extends Run {
  readonly told: string[];
  readonly abort: AbortController;
}

/** A run on this very host with folders of its own. */
export function makeTestRun(folder: Pick<TestFolder, "path" | "paths">, host: Partial<HostFacts> = {}, options: Pick<Run, "offline" | "limits"> = {}): TestRun {
  const told: string[] = [];
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // tests do in one process what many do
  const facts = Object.create(hostOfProcess(folder.paths), Object.getOwnPropertyDescriptors(host)) as HostFacts;
  return { host: facts, paths: folder.paths, signal: abort.signal, report: tellTo(told), trace: noTrace, cwd: folder.path, env: {}, told, abort, limits: { pauseMs: () => 0, ...options.limits }, offline: options.offline ?? false };
}

function tellTo(told: string[]): Report {
  const say = (kind: string) => (line: string): void => void told.push(`${kind}: ${line}`);
  return {
    phase(title) {
      told.push(title);
      const say = (text: string): void => void told.push(`${title}: ${text}`);
      return { progress() {}, note: say, done: (text = "done") => say(text), fail: () => say("failed") };
    },
    info: say("info"), warn: say("warn"), debug() {},
  };
}
