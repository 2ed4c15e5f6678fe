import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { limitWait, within, type LimitReason } from "../../core/limit.ts";

/** What a wait with these limits ends with. */
const reasonOf = (limits: Parameters<typeof limitWait>[0]): Promise<LimitReason> => new Promise((resolve) => limitWait(limits, resolve));

it.each<[string, Parameters<typeof limitWait>[0], LimitReason]>([
  ["its time is up", { timeoutMs: 5 }, "deadline"],
  ["its signal aborts", { timeoutMs: 60_000, signal: AbortSignal.timeout(5) }, "interrupted"],
  ["its signal has aborted already", { timeoutMs: 0, signal: AbortSignal.abort() }, "interrupted"],
])("ends a wait when %s", async (_when, limits, reason) => {
  expect(await reasonOf(limits)).toBe(reason);
});

it("says nothing once it is called off, and leaves no listener", async () => {
  const over = new AbortController();
  const reasons: LimitReason[] = [];
  const off = limitWait({ timeoutMs: 1, signal: over.signal }, (reason) => reasons.push(reason));
  off();
  over.abort();
  await reasonOf({ timeoutMs: 5 });
  expect(reasons).toEqual([]);
});

it("says it once", async () => {
  const over = new AbortController();
  const reasons: LimitReason[] = [];
  limitWait({ timeoutMs: 1, signal: over.signal }, (reason) => reasons.push(reason));
  over.abort();
  await reasonOf({ timeoutMs: 5 });
  expect(reasons).toEqual(["interrupted"]);
});

describe("a signal that aborts within a time", () => {
  const { gc } = collector();

  it("does so although memory is collected meanwhile", async () => {
    const signal = within(200, new AbortController().signal);
    for (let round = 0; round < 3; round += 1) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await vi.waitFor(() => expect(signal.aborted).toBe(true), 5000);
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  it("does so with its other signal, at once where that has already", () => {
    const other = new AbortController();
    const signal = within(60_000, other.signal);
    expect(signal.aborted).toBe(false);
    other.abort();
    expect([signal.aborted, within(60_000, other.signal).aborted]).toEqual([true, true]);
  });
});

function collector(): { gc(): void } {
  setFlagsFromString("--expose-gc");
  return { gc: runInNewContext("gc") as () => void };
}
