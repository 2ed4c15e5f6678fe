import { expect, it } from "vitest";
import { limitWait, type LimitReason } from "../../core/limit.ts";

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
