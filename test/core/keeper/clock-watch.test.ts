import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { followClock, type HostClock } from "../../../core/keeper/clock-watch.ts";
import { Journal } from "../../../core/keeper/journal.ts";
import type { Parts } from "../../../core/keeper/parts.ts";
import { Problems } from "../../../core/keeper/problems.ts";
import type { QmpEvent } from "../../../core/keeper/qmp.ts";
import { scratchFolder } from "../../fixtures/login.ts";

/** A host whose clocks go as the test says, and a guest that runs `date`. */
function world(options: { readonly refuses?: boolean } = {}) {
  let refuses = options.refuses ?? false;
  let wall = 1_700_000_000_000;
  let monotonic = 5000;
  let guestOffMs = 0;
  let tick = (): void => {};
  let tell = (_: QmpEvent): void => {};
  const commands: string[] = [];
  const clock: HostClock = { wall: () => wall, monotonic: () => monotonic, every: (_, call) => ((tick = call), () => (tick = () => {})) };
  const exec = async (command: string | readonly string[]) => {
    const line = typeof command === "string" ? command : command.join(" ");
    commands.push(line);
    const [, seconds] = /-s @(\d+)$/.exec(line) ?? [];
    if (seconds !== undefined && !refuses) guestOffMs = Number(seconds) * 1000 - wall;
    return { exitCode: seconds !== undefined && refuses ? 1 : 0, stdout: `${((wall + guestOffMs) / 1000).toFixed(3)}\n`, stderr: refuses ? "date: cannot set date" : "" };
  };
  const problems = new Problems();
  const journal = new Journal("box", join(scratchFolder(), "events.jsonl"));
  const told: unknown[] = [];
  journal.follow(({ text }) => told.push(text));
  const end = followClock({
    control: { onEvent: (listener: typeof tell) => ((tell = listener), () => {}) }, connections: { shell: () => ({ exec }) }, plan: { ssh: { user: "core" } }, problems, journal,
  } as unknown as Parts, clock, 300);
  onTestFinished(end);
  return {
    commands, problems, told, tell: (event: QmpEvent) => tell(event), guestOffMs: () => guestOffMs,
    allow: () => void (refuses = false),
    /** The host sleeps: the time of day goes on, and nothing else does. */
    sleep(ms: number): void {
      wall += ms;
      guestOffMs -= ms;
      tick();
    },
    pass(ms: number): void {
      wall += ms;
      monotonic += ms;
      tick();
    },
    stand(ms: number): void {
      wall += ms;
      monotonic += ms;
      guestOffMs -= ms;
    },
  };
}

describe("the guest's clock", () => {
  it("is set after the host has slept", async () => {
    const { commands, told, guestOffMs, sleep } = world();
    sleep(3_600_000);
    await expect.poll(() => told).toEqual(["the guest's clock was 3600.0 s behind, and was set"]);
    expect(commands).toEqual(["date -u +%s.%N", "sudo -n date -u -s @1700003600", "date -u +%s.%N"]);
    expect(guestOffMs()).toBe(0);
  });

  it("is set after the VM stood still", async () => {
    const { told, stand, tell } = world();
    stand(30_000);
    tell({ event: "STOP" });
    tell({ event: "RESUME" });
    await expect.poll(() => told).toEqual(["the guest's clock was 30.0 s behind, and was set"]);
  });

  it("is looked at, and left alone where it is right", async () => {
    const { commands, told, tell } = world();
    tell({ event: "RESUME" });
    await expect.poll(() => commands).toEqual(["date -u +%s.%N"]);
    expect(told).toEqual([]);
  });

  it("is no matter while both clocks of the host go alike", () => {
    const { commands, pass } = world();
    for (let count = 0; count < 10; count += 1) pass(2000);
    expect(commands).toEqual([]);
  });

  it("is a problem of the machine where it cannot be set, until it is right again", async () => {
    const { problems, sleep, allow } = world({ refuses: true });
    sleep(5000);
    await expect.poll(() => problems.reasons).toEqual(["the guest's clock may be wrong: date ended with exit status 1 in the guest: date: cannot set date"]);
    allow();
    sleep(5000);
    await expect.poll(() => problems.reasons).toEqual([]);
  });
});
