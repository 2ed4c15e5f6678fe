import { expect, test } from "vitest";
import { formatGoTime, goDefaultLayout } from "../../../core/cli/go-time.ts";

const utc = { offset: 0, name: "UTC" };
const rome = { offset: 120, name: "CEST" };
const time = new Date("2026-05-03T21:04:05.120Z");

// Expected texts follow pkg.go.dev/time#Time.Format.
test.each([
  ["2006-01-02", utc, "2026-05-03"],
  ["2006-01-02T15:04:05Z07:00", utc, "2026-05-03T21:04:05Z"],
  ["2006-01-02T15:04:05Z07:00", rome, "2026-05-03T23:04:05+02:00"],
  ["2006-01-02T15:04:05.000Z07:00", utc, "2026-05-03T21:04:05.120Z"],
  ["2006-01-02T15:04:05.999999999Z07:00", utc, "2026-05-03T21:04:05.12Z"],
  ["Mon, 02 Jan 2006 15:04:05 -0700", rome, "Sun, 03 May 2026 23:04:05 +0200"],
  ["Monday January _2 3:04PM", utc, "Sunday May  3 9:04PM"],
  ["Jan 2 06 03:04 pm MST", utc, "May 3 26 09:04 pm UTC"],
  ["002 __2 1 2 3 4 5", utc, "123 123 5 3 9 4 5"],
  ["Month Janus", utc, "Month Janus"],
  [goDefaultLayout, utc, "2026-05-03 21:04:05.12 +0000 UTC"],
])("layout %s", (layout, zone, expected) => {
  expect(formatGoTime(time, layout, zone)).toBe(expected);
});

test("a negative offset keeps its sign and minutes", () => {
  expect(formatGoTime(time, "15:04 -07:00 -07", { offset: -210, name: "NST" })).toBe("17:34 -03:30 -03");
});
