import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../../core/cli/clock.ts";
import type { ConsoleReport } from "../../../core/cli/console-report.ts";
import { createReport } from "../../../core/cli/progress.ts";
import { bar, Meter, readingText } from "../../../core/cli/meter.ts";

/** Time that passes when told. */
function handClock() {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const timers = new Set<{ readonly ms: number; next: number; readonly call: () => void }>();
  const clock: Clock = {
    now: () => now,
    every(ms, call) {
      const timer = { ms, next: now + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return {
    clock,
    pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now = Math.min(end, ...[...timers].map(({ next }) => next));
        for (const timer of timers) if (timer.next <= now) {
          timer.next += timer.ms;
          timer.call();
        }
      }
    },
    get running() {
      return timers.size;
    },
  };
}

class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  text = "";

  constructor(isTTY: boolean, columns = 80) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** What a terminal would show. */
  get lines(): string[] {
    const lines = [""];
    let row = 0;
    // eslint-disable-next-line no-control-regex
    for (const [piece] of this.text.matchAll(/\u001b\[(\d*)([AJ])|[\s\S]/gu)) {
      if (piece === "\n") lines[++row] ??= "";
      else if (piece === "\r") continue;
      else if (piece.endsWith("A") && piece.startsWith("\u001b")) row -= Number(piece.slice(2, -1));
      else if (piece === "\u001b[J") {
        lines.length = row + 1;
        lines[row] = "";
      } else lines[row] += piece;
    }
    return lines;
  }
}

function start(isTTY: boolean, options: { level?: "debug" | "info" | "warn"; logFormat?: "text" | "json"; columns?: number } = {}) {
  const time = handClock();
  const screen = new Screen(isTTY, options.columns);
  const report: ConsoleReport = createReport(screen, { level: options.level ?? "info", logFormat: options.logFormat ?? "text", noColor: true }, time.clock);
  return { time, screen, report };
}

describe("without a terminal", () => {
  test("lines are whole, and nothing moves", () => {
    const { time, screen, report } = start(false);
    const quick = report.phase("locating the image");
    time.pass(300);
    quick.done("debian 12");
    const slow = report.phase("fetching");
    slow.progress(0, 400 * 2 ** 20);
    for (let mib = 0; mib < 400; mib += 20) {
      time.pass(1000);
      slow.progress((mib + 20) * 2 ** 20, 400 * 2 ** 20);
    }
    slow.done();
    report.phase("booting").fail();
    report.info("a note");
    report.warn("a warning");
    report.debug("not shown");
    expect(screen.text).toBe([
      "locating the image: done in 0.3 s, debian 12",
      "fetching: 0%  0B of 400MiB",
      "fetching: 50%  200MiB of 400MiB  20MiB/s  10 s left",
      "fetching: done in 20.0 s",
      "booting: failed after 0.0 s",
      "a note",
      "Warning: a warning",
      "",
    ].join("\n"));
    expect(time.running).toBe(0);
  });

  test("a phase that takes long says once that it began", () => {
    const { time, screen, report } = start(false);
    const phase = report.phase("waiting for the guest");
    time.pass(30_000);
    phase.note("the kernel runs");
    phase.done();
    phase.done();
    expect(screen.text).toBe("waiting for the guest ...\nwaiting for the guest: the kernel runs\nwaiting for the guest: done in 30.0 s\n");
  });
});

describe("on a terminal", () => {
  test("each phase has one live line, and what has ended stays above", () => {
    const { time, screen, report } = start(true);
    const fetch = report.phase("fetching");
    const keys = report.phase("making keys");
    fetch.progress(0, 100 * 2 ** 20);
    time.pass(2000);
    fetch.progress(50 * 2 ** 20, 100 * 2 ** 20);
    time.pass(100);
    expect(screen.lines).toEqual(["⠙ fetching  ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  50%  50MiB of 100MiB  25MiB/s  2 s left", "⠙ making keys  2.1 s"]);
    keys.done();
    report.info("a note");
    expect(screen.lines.slice(0, 2)).toEqual(["✓ making keys  2.1 s", "a note"]);
    expect(screen.lines[2]).toMatch(/^⠙ fetching/);
    fetch.done("100MiB");
    expect(screen.lines).toEqual(["✓ making keys  2.1 s", "a note", "✓ fetching  2.1 s  100MiB", ""]);
    expect(time.running).toBe(0);
  });

  test("the answer can be printed in between", () => {
    const { screen, report } = start(true);
    report.phase("booting");
    report.clear();
    screen.write("the answer\n");
    report.info("a note");
    report.close();
    expect(screen.lines).toEqual(["the answer", "a note", ""]);
  });

  test("the bar takes what room there is", () => {
    const { time, screen, report } = start(true, { columns: 60 });
    const phase = report.phase("fetching");
    phase.progress(0, 100);
    time.pass(1000);
    phase.progress(50, 100);
    time.pass(100);
    expect(screen.lines).toEqual(["⠙ fetching  ━━━━━━╌╌╌╌╌╌  50%  50B of 100B  50B/s  1 s left"]);
  });

  test("a line is cut to the screen's width", () => {
    const { screen, report } = start(true, { columns: 20 });
    report.phase("a title that is much too long for it");
    expect(screen.lines).toEqual(["⠋ a title that is …"]);
  });
});

test("--quiet leaves warnings, --log-level debug adds the rest", () => {
  const quiet = start(false, { level: "warn" });
  const loud = start(false, { level: "debug" });
  for (const { report } of [quiet, loud]) {
    report.phase("booting").done();
    report.info("info");
    report.warn("warn");
    report.debug("debug");
  }
  expect(quiet.screen.text).toBe("Warning: warn\n");
  expect(loud.screen.text).toBe("booting: done in 0.0 s\ninfo\nWarning: warn\ndebug: debug\n");
});

test("--log-format json is one object a line, on a terminal too", () => {
  const { time, screen, report } = start(true, { logFormat: "json" });
  const phase = report.phase("fetching");
  phase.progress(1, 2);
  time.pass(500);
  phase.progress(2, 2);
  phase.done("text");
  report.warn("careful");
  expect(screen.text.trim().split("\n").map((line) => JSON.parse(line) as object)).toEqual([
    { time: "2026-01-01T00:00:00.000Z", level: "info", msg: "fetching", event: "begin" },
    { time: "2026-01-01T00:00:00.000Z", level: "info", msg: "fetching", event: "progress", done: 1, total: 2 },
    { time: "2026-01-01T00:00:00.500Z", level: "info", msg: "fetching", event: "done", ms: 500, text: "text" },
    { time: "2026-01-01T00:00:00.500Z", level: "warn", msg: "careful" },
  ]);
});

describe("the meter", () => {
  test("averages over the last seconds alone", () => {
    const meter = new Meter();
    meter.add(0, 0, 1000);
    meter.add(1000, 500, 1000);
    for (let second = 2; second <= 10; second += 1) meter.add(second * 1000, 500 + second, 1000);
    expect(meter.read()).toEqual({ done: 510, total: 1000, rate: 1, leftMs: 490_000 });
  });

  test("begins anew when the count falls: another mirror is tried", () => {
    const meter = new Meter();
    meter.add(0, 0, 1000);
    meter.add(1000, 500, 1000);
    meter.add(2000, 0, 1000);
    meter.add(3000, 100, 1000);
    expect(meter.read()).toEqual({ done: 100, total: 1000, rate: 100, leftMs: 9000 });
  });

  test.each([
    [{ done: 2048 }, "2KiB"],
    [{ done: 0, total: 0 }, "0B of 0B"],
    [{ done: 512, total: 1024, rate: 1024, leftMs: 500 }, " 50%  512B of 1KiB  1KiB/s  1 s left"],
  ])("%j reads %s", (reading, expected) => expect(readingText(reading)).toBe(expected));

  test("the bar is full at the end", () => {
    expect([0, 49, 100].map((done) => bar({ done, total: 100 }, 4))).toEqual(["╌╌╌╌", "━━╌╌", "━━━━"]);
  });
});
