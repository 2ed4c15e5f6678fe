import { expect, it } from "vitest";
import { RestartPolicy } from "../../../core/keeper/restart-policy.ts";

const off = { reason: "the guest powered off", failed: false };
const panic = { reason: "the guest panicked", failed: true };

it.each([
  ["never", [false, false]],
  ["on-failure", [false, true]],
  ["always", [true, true]],
] as const)("%s", (wanted, starts) => {
  expect([off, panic].map((end) => new RestartPolicy(wanted).after(end).kind === "start")).toEqual(starts);
});

it("waits longer each time in a row, and gives up with the reason", () => {
  const policy = new RestartPolicy("always", [10, 20]);
  expect([0, 100, 200].map((now) => policy.after(panic, now))).toEqual([
    { kind: "start", pauseMs: 10 }, { kind: "start", pauseMs: 20 },
    { kind: "end", end: { failed: true, reason: "the guest panicked; it was started again 2 times in a row, and that is enough" } },
  ]);
});

it("begins at the first pause again once the machine has been up for a while", () => {
  const policy = new RestartPolicy("on-failure", [10, 20]);
  expect([0, 100, 700_000, 700_100].map((now) => policy.after(panic, now))).toEqual([10, 20, 10, 20].map((pauseMs) => ({ kind: "start", pauseMs })));
});
