import { expect, it, onTestFinished } from "vitest";
import { tracedReport } from "../../../core/cli/traced-report.ts";
import { makeTestFolder } from "../../support/folders.ts";
import { makeTestRun } from "../../support/run.ts";
import { recordTrace } from "../../support/trace.ts";

it("tells all that it is told, and makes a span of each phase, done or failed", () => {
  const folder = makeTestFolder();
  onTestFinished(folder.remove);
  const trace = recordTrace();
  const { report, told } = makeTestRun(folder);
  const traced = tracedReport(report, trace);
  traced.info("hello");
  traced.warn("careful");
  const copying = traced.phase("Copying");
  copying.progress(1, 2);
  copying.note("half");
  expect(trace.spans).toEqual([{ name: "Copying", category: "phase", ended: false }]);
  copying.done("2 files");
  traced.phase("Booting").fail();
  traced.phase("Stopping");
  expect(trace.spans).toEqual([
    { name: "Copying", category: "phase", ended: true }, { name: "Booting", category: "phase", ended: true }, { name: "Stopping", category: "phase", ended: false },
  ]);
  expect(told).toEqual(["info: hello", "warn: careful", "Copying", "Copying: half", "Copying: 2 files", "Booting", "Booting: failed", "Stopping"]);
});
