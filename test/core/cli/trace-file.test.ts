import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createFileTrace, traceDocument } from "../../../core/cli/trace-file.ts";
import type { SpanCategory } from "../../../core/run.ts";
import { makeTestFolder } from "../../support/folders.ts";

interface Event { readonly name: string; readonly ph: string; readonly ts: number; readonly dur: number; readonly tid: number; readonly args: { readonly name?: string } }
const span = (name: string, category: SpanCategory, begin: number, end: number) => ({ name, category, begin, end });
/** Each span as "track: name begin+duration", times in microseconds. */
function shown(spans: Parameters<typeof traceDocument>[0]): string[] {
  const events = traceDocument(spans, 1).traceEvents as readonly Event[];
  const track = (tid: number): string => events.find((event) => event.ph === "M" && event.tid === tid)?.args.name ?? "";
  return events.filter(({ ph }) => ph === "X").map(({ name, ts, dur, tid }) => `${track(tid)}: ${name} ${ts}+${dur}`);
}

it("has a track for each category, in the order in which they begin", () => {
  expect(shown([span("qemu.plan", "plugin", 2, 3), span("start", "verb", 1, 9), span("box: afterStart", "hook", 4, 5)])).toEqual([
    "verb: start 1000+8000", "plugin: qemu.plan 2000+1000", "hook: box: afterStart 4000+1000",
  ]);
});

it("keeps spans that hold each other or follow each other on one track", () => {
  expect(shown([span("inner", "phase", 1, 2), span("outer", "phase", 1, 9), span("last", "phase", 9, 10), span("second", "phase", 2, 9)])).toEqual([
    "phase: outer 1000+8000", "phase: inner 1000+1000", "phase: second 2000+7000", "phase: last 9000+1000",
  ]);
});

it("gives spans that overlap tracks of their own", () => {
  expect(shown([span("a", "child", 1, 4), span("b", "child", 2, 6), span("c", "child", 3, 7), span("d", "child", 4, 5), span("v", "verb", 0, 9)])).toEqual([
    "verb: v 0+9000", "child: a 1000+3000", "child 2: b 2000+4000", "child 3: c 3000+4000", "child: d 4000+1000",
  ]);
});

it("rounds so that what ends together still does", () => {
  expect(shown([span("outer", "phase", 0.0004, 1.0006), span("inner", "phase", 0.0006, 1.0006)])).toEqual(["phase: outer 0+1001", "phase: inner 1+1000"]);
});

it("writes what was measured elsewhere as it is told, and ends what is open together", async () => {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, "trace.json");
  const trace = createFileTrace(path);
  trace.span("stop", "verb", { words: ["box"] });
  trace.span("node", "child", { pid: 1 });
  trace.add("qemu", "child", 1, 2, { pid: 7 });
  await trace.write();
  const { traceEvents } = JSON.parse(readFileSync(path, "utf8")) as { traceEvents: Event[] };
  const [qemu, stop, node] = traceEvents.filter(({ ph }) => ph === "X");
  expect(qemu).toMatchObject({ name: "qemu", cat: "child", ts: 1000, dur: 1000, args: { pid: 7 } });
  expect([stop, node]).toMatchObject([{ name: "stop", args: { words: ["box"] } }, { name: "node", args: { pid: 1 } }]);
  expect(Number(stop?.ts) + Number(stop?.dur)).toBe(Number(node?.ts) + Number(node?.dur));
});
