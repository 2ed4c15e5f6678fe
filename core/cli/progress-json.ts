import type { Clock } from "./clock.ts";
import { Meter } from "./meter.ts";
import type { ConsoleReport } from "./console-report.ts";

const pauseMs = 1000;

/** Progress for programs: one JSON object a line. */
export function createJsonReport(write: (text: string) => void, clock: Clock): ConsoleReport {
  const line = (level: string, fields: Readonly<Record<string, unknown>>): void => {
    write(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), level, ...fields })}\n`);
  };
  return {
    phase(title) {
      const began = clock.now();
      const meter = new Meter();
      let saidAt = 0;
      let open = true;
      const end = (event: "done" | "fail", text?: string): void => {
        if (!open) return;
        open = false;
        line(event === "done" ? "info" : "error", { msg: title, event, ms: clock.now() - began, ...(text !== undefined && { text }) });
      };
      line("info", { msg: title, event: "begin" });
      return {
        progress: (done, total) => {
          meter.add(clock.now(), done, total);
          if (!open || clock.now() - saidAt < pauseMs) return;
          saidAt = clock.now();
          line("info", { msg: title, event: "progress", ...meter.read() });
        },
        note: (text) => line("info", { msg: title, event: "note", text }),
        done: (text) => end("done", text),
        fail: () => end("fail"),
      };
    },
    info: (msg) => line("info", { msg }),
    warn: (msg) => line("warn", { msg }),
    debug: (msg) => line("debug", { msg }),
    clear() {},
    close() {},
  };
}
