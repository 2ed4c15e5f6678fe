import { expect, test } from "vitest";
import { clockLook, setClockCommand } from "../../../core/keeper/clock-watch.ts";
import type { Parts } from "../../../core/keeper/parts.ts";
import { guestWithLogin } from "../../fixtures/login.ts";

async function watched() {
  const clocks = { wallMs: 1_800_000_000_000, awakeMs: 1000 };
  const guest = { works: true };
  const notes: string[] = [];
  const { guest: fake, connect } = await guestWithLogin({ onExec: () => (guest.works ? "exit 0" : "echo no >&2; exit 1") });
  const connection = await connect();
  const parts = {
    plan: { ssh: { user: "core" } }, connections: { as: () => Promise.resolve(connection) }, stopping: new AbortController(),
    journal: { say: (_type: string, { text }: { text: string }) => void notes.push(text) },
  } as unknown as Parts;
  return { clocks, guest, notes, dates: fake.commands, look: clockLook(parts, { wall: () => clocks.wallMs, awake: () => clocks.awakeMs }) };
}

test("a host that slept sets its guest's clock, once", async () => {
  const { clocks, dates, notes, look } = await watched();
  clocks.wallMs += 3_600_000;
  await look();
  await look();
  expect(dates).toEqual([setClockCommand(1_800_003_600_000, "core")]);
  expect(notes).toEqual(["this host's clock jumped by 3600 s: the guest's was set"]);
});

test("a host that was awake all the time leaves its guest alone", async () => {
  const { clocks, dates, look } = await watched();
  for (let step = 0; step < 10; step += 1) {
    clocks.wallMs += 60_000 + step;
    clocks.awakeMs += 60_000;
    await look();
  }
  expect(dates).toEqual([]);
});

test("a guest that cannot be told yet is told at the next look, with the time of then", async () => {
  const { clocks, guest, dates, notes, look } = await watched();
  guest.works = false;
  clocks.wallMs -= 10_000;
  await look();
  guest.works = true;
  clocks.wallMs += 400;
  await look();
  expect(notes).toEqual(["the guest's clock could not be set: no", "this host's clock jumped by -10 s: the guest's was set"]);
  expect(dates.at(-1)).toBe(setClockCommand(1_799_999_990_400, "core"));
});

test("the command works for GNU's date and for busybox's, and needs no sudo for root", () => {
  expect(setClockCommand(1_800_000_000_123, "root")).toBe("date -u -s @1800000000.123 > /dev/null 2>&1 || date -u -s @1800000000 > /dev/null");
  expect(setClockCommand(1_800_000_000_123, "core")).toContain("sudo -n date");
});
