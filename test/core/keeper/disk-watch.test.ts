import { expect, it, vi } from "vitest";
import { watchDisk } from "../../../core/keeper/disk-watch.ts";
import type { Parts } from "../../../core/keeper/parts.ts";
import { Problems } from "../../../core/keeper/problems.ts";
import type { QmpEvent } from "../../../core/keeper/qmp.ts";

/** A VM whose monitor says that it is in that state. */
function watched(status: string) {
  vi.useFakeTimers();
  const said: string[] = [];
  const problems = new Problems();
  let tell = (_event: QmpEvent): void => {};
  const control = {
    qmp: { execute: async (command: string) => (said.push(command), { status, running: status === "running" }) },
    onEvent: (listener: typeof tell) => ((tell = listener), () => {}),
  };
  const end = watchDisk({ control, problems, plan: { name: "web" } } as unknown as Parts);
  return { said, problems, tell: (event: QmpEvent) => tell(event), end };
}

it("lets a VM go on that found no room on the host, until it has", async () => {
  const { said, problems, tell, end } = watched("running");
  await vi.advanceTimersByTimeAsync(20_000);
  expect([said, problems.reasons]).toEqual([["query-status"], []]);
  tell({ event: "BLOCK_IO_ERROR", data: { action: "stop", nospace: true } });
  expect(problems.reasons).toEqual(["web stands still: the host has no room left for its disk"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said).toEqual(["query-status", "cont"]);
  tell({ event: "RESUME" });
  expect(problems.reasons).toEqual([]);
  tell({ event: "BLOCK_IO_ERROR", data: { action: "report", reason: "Input/output error" } });
  expect(problems.reasons).toEqual(["its disk failed: Input/output error"]);
  void end();
  vi.useRealTimers();
});

it("finds a VM that stopped while nobody looked", async () => {
  const { said, problems, tell, end } = watched("io-error");
  await vi.advanceTimersByTimeAsync(1);
  expect(problems.reasons).toEqual(["web stands still: its disk failed, or the host has no room left for it"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said).toEqual(["query-status", "cont"]);
  tell({ event: "RESUME" });
  expect(problems.reasons).toEqual([]);
  void end();
  vi.useRealTimers();
});
