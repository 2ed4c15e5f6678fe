import { mkdirSync, writeFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import type { MachineEvent } from "../../../core/keeper/protocol.ts";
import { addKeeperSpans, withKeeperSpans } from "../../../core/lifecycle/keeper-spans.ts";
import { noTrace, type Trace } from "../../../core/run.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { makeTestRun } from "../../support/run.ts";
import { recordTrace } from "../../support/trace.ts";

/** An event so many milliseconds after the verb began at 1000. */
const at = (ms: number, type: string, fields: Readonly<Record<string, unknown>>): MachineEvent => ({ time: new Date(1000 + ms).toISOString(), machine: "web", type, ...fields });
const child = (ms: number, action: string, pid: number, program?: string): MachineEvent => at(ms, "child", { action, role: "vm", name: "qemu", pid, ...(program !== undefined && { program }) });
const phase = (ms: number, action: string, name: string): MachineEvent => at(ms, "phase", { phase: name, action });

/** What is added for events between 1000 and 2000: name, category, begin, end, fields. */
function added(events: readonly MachineEvent[]): unknown[][] {
  const spans: unknown[][] = [];
  const trace: Trace = { ...noTrace, add: (...span) => void spans.push(span.filter((part) => part !== undefined)) };
  addKeeperSpans(trace, events, 1000, 2000);
  return spans;
}

it.each<[string, readonly MachineEvent[], unknown[][]]>([
  ["a phase that began and ended", [phase(10, "begin", "helpers"), phase(30, "end", "helpers")], [["helpers", "phase", 1010, 1030]]],
  ["a phase that was not finished, to the end of the wait", [phase(10, "begin", "life")], [["life", "phase", 1010, 2000]]],
  ["a child that lives on, to the end of the wait", [child(10, "spawned", 7, "qemu-system-x86_64")], [["qemu-system-x86_64", "child", 1010, 2000, { pid: 7, role: "vm" }]]],
  ["a child that another keeper has taken over, to the end of the wait", [child(10, "adopted", 7, "q")], [["q", "child", 1010, 2000, { pid: 7, role: "vm" }]]],
  ["a child that came and went", [child(10, "spawned", 7, "q"), child(20, "ended", 7, "q")], [["q", "child", 1010, 1020, { pid: 7, role: "vm" }]]],
  ["a child that was there before, from the beginning of the wait", [child(20, "ended", 7, "q")], [["q", "child", 1000, 1020, { pid: 7, role: "vm" }]]],
  ["a process id that came twice", [child(1, "spawned", 7, "q"), child(2, "ended", 7, "q"), child(3, "spawned", 7, "q")], [["q", "child", 1001, 1002, { pid: 7, role: "vm" }], ["q", "child", 1003, 2000, { pid: 7, role: "vm" }]]],
  ["a child of a keeper that tells no program, by its name", [child(20, "ended", 7)], [["qemu", "child", 1000, 1020, { pid: 7, role: "vm" }]]],
  ["nothing from before and after the wait", [child(-10, "spawned", 7, "q"), phase(-5, "begin", "ssh"), phase(1001, "end", "ssh")], []],
  ["nothing for other events", [at(10, "state", { state: "running" }), at(10, "port", { action: "open", port: "1:2" })], []],
])("tells of %s", (_what, events, spans) => {
  expect(added(events)).toEqual(spans);
});

it("reads what the keeper wrote while it was waited for, also when the wait fails", async () => {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const files = folder.paths.machine("web");
  mkdirSync(files.logs, { recursive: true });
  const trace = recordTrace();
  const run = { ...makeTestRun(folder), trace };
  await expect(withKeeperSpans(run, files, async () => {
    writeFileSync(files.log("events"), `${JSON.stringify({ ...phase(0, "begin", "life"), time: new Date().toISOString() })}\n`);
    throw new Error("no sign of life");
  })).rejects.toThrow("no sign of life");
  expect(trace.spans).toEqual([{ name: "life", category: "phase", ended: true }]);
});

it("gives back what was waited for, and needs no events", async () => {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const run = { ...makeTestRun(folder), trace: recordTrace() };
  expect(await withKeeperSpans(run, folder.paths.machine("web"), async () => "up")).toBe("up");
  expect(run.trace.spans).toEqual([]);
});
