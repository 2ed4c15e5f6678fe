import type { PhaseReport } from "../run.ts";
import type { ConsoleReport } from "./console-report.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { Globals, Level } from "./globals.ts";
import type { Stream } from "./output.ts";
import { createPaint } from "./paint.ts";
import { createJsonReport } from "./progress-json.ts";
import { createLiveReport } from "./progress-live.ts";
import { createPlainReport } from "./progress-plain.ts";
import { visible, visibleLine } from "./visible.ts";

/** Progress on stderr: live lines on a terminal, plain lines elsewhere, JSON lines by --log-format json. What guests and servers say in it is only shown. */
export function createReport(stream: Stream, globals: Pick<Globals, "level" | "logFormat" | "noColor">, clock: Clock = systemClock): ConsoleReport {
  const paint = createPaint(stream, globals.noColor);
  const write = (text: string): void => void stream.write(text);
  const report = globals.logFormat === "json" ? createJsonReport((line) => write(visible(line)), clock)
    : onlyShown(stream.isTTY === true ? createLiveReport({ write, columns: () => stream.columns ?? 80, paint, clock }) : createPlainReport(write, clock, paint));
  return atLevel(report, globals.level);
}

/** Makes what is told visible before it is painted. A phase has one line. */
function onlyShown(report: ConsoleReport): ConsoleReport {
  return {
    phase(title) {
      const phase = report.phase(visibleLine(title));
      return {
        progress: (done, total) => phase.progress(done, total),
        note: (text) => phase.note(visibleLine(text)),
        done: (text) => phase.done(text === undefined ? undefined : visibleLine(text)),
        fail: () => phase.fail(),
      };
    },
    info: (line) => report.info(visible(line)),
    warn: (line) => report.warn(visible(line)),
    debug: (line) => report.debug(visible(line)),
    clear: () => report.clear(),
    close: () => report.close(),
  };
}

const steps: readonly Level[] = ["debug", "info", "warn", "error"];

/** Silences what is below a level. Phases are of level info. */
function atLevel(report: ConsoleReport, level: Level): ConsoleReport {
  const shows = (wanted: Level): boolean => steps.indexOf(wanted) >= steps.indexOf(level);
  return {
    phase: (title) => (shows("info") ? report.phase(title) : silentPhase),
    info: (line) => { if (shows("info")) report.info(line); },
    warn: (line) => { if (shows("warn")) report.warn(line); },
    debug: (line) => { if (shows("debug")) report.debug(line); },
    clear: () => report.clear(),
    close: () => report.close(),
  };
}

const silentPhase: PhaseReport = { progress() {}, note() {}, done() {}, fail() {} };
