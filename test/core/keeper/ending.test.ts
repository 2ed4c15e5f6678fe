import { expect, it } from "vitest";
import { endingOf, type VmEnd } from "../../../core/keeper/ending.ts";

const exit = (code: number | null, signal: NodeJS.Signals | null = null) => ({ code, signal });

it.each<[string, Parameters<typeof endingOf>[1], Parameters<typeof endingOf>[2], VmEnd]>([
  ["a guest that powered off", exit(0), { cause: "guest-shutdown", panic: undefined }, { reason: "the guest powered off", failed: false }],
  ["a guest that panicked", exit(0), { cause: "guest-panic", panic: undefined }, { reason: "the guest panicked", failed: true }],
  ["a panic that was seen on the console", exit(null, "SIGTERM"), { cause: "host-signal", panic: "Attempted to kill init!" }, { reason: "the guest panicked: Attempted to kill init!", failed: true }],
  ["a VM that was killed", exit(null, "SIGKILL"), { cause: undefined, panic: undefined }, { reason: "qemu was ended by SIGKILL", failed: true }],
  ["a VM that crashed while the guest powered off", exit(null, "SIGSEGV"), { cause: "guest-shutdown", panic: undefined }, { reason: "qemu was ended by SIGSEGV", failed: true }],
  ["a VM that failed", exit(1), { cause: undefined, panic: undefined }, { reason: "qemu exited with 1", failed: true }],
  ["a VM that ended without a word", exit(0), { cause: undefined, panic: undefined }, { reason: "qemu exited with 0", failed: false }],
  ["a VM that a signal ended in good order", exit(0), { cause: "host-signal", panic: undefined }, { reason: "the VM was ended by a signal from outside", failed: false }],
  ["a cause that is new to us", exit(0), { cause: "moon-phase", panic: undefined }, { reason: "the VM went down: moon-phase", failed: false }],
  ["a VM whose status nobody can know", exit(null), { cause: undefined, panic: undefined }, { reason: "qemu has ended", failed: true }],
])("%s", (_, how, signs, end) => {
  expect(endingOf({ name: "qemu" }, how, signs)).toEqual(end);
});
