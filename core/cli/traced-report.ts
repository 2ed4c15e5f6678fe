import type { Report, Trace } from "../run.ts";

/** A report whose phases are spans too. */
export function tracedReport(report: Report, trace: Trace): Report {
  return {
    phase(title) {
      const phase = report.phase(title);
      const end = trace.span(title, "phase");
      return {
        progress: (done, total) => phase.progress(done, total),
        note: (text) => phase.note(text),
        done(text) {
          end();
          phase.done(text);
        },
        fail() {
          end();
          phase.fail();
        },
      };
    },
    info: (line) => report.info(line),
    warn: (line) => report.warn(line),
    debug: (line) => report.debug(line),
  };
}
