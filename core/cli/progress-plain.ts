import type { Clock } from "./clock.ts";
import { Meter, readingText } from "./meter.ts";
import type { Paint } from "./paint.ts";
import type { ConsoleReport } from "./console-report.ts";
import { elapsed } from "./times.ts";

/** A phase that ends sooner has one line alone. */
const quickMs = 1000;
/** Between two lines about the same phase. */
const pauseMs = 10_000;

/** Progress for pipes and files: whole lines, nothing that moves. */
export function createPlainReport(write: (text: string) => void, clock: Clock, paint: Paint): ConsoleReport {
  const running = new Set<() => void>();
  const line = (text: string): void => write(`${text}\n`);
  return {
    phase(title) {
      const began = clock.now();
      const meter = new Meter();
      let said = false;
      let saidAt = began;
      const say = (text: string): void => {
        said = true;
        saidAt = clock.now();
        line(text);
      };
      const stopTimer = clock.every(quickMs, () => {
        const reading = meter.read();
        if (!said) say(reading === undefined ? `${title} ...` : `${title}: ${readingText(reading).trim()}`);
        else if (reading !== undefined && clock.now() - saidAt >= pauseMs) say(`${title}: ${readingText(reading).trim()}`);
      });
      const end = (): void => {
        stopTimer();
        running.delete(end);
      };
      running.add(end);
      return {
        progress: (done, total) => meter.add(clock.now(), done, total),
        note: (text) => { if (running.has(end)) say(`${title}: ${text}`); },
        done: (text) => {
          if (!running.has(end)) return;
          end();
          line(`${title}: done in ${elapsed(clock.now() - began)}${text === undefined ? "" : `, ${text}`}`);
        },
        fail: () => {
          if (!running.has(end)) return;
          end();
          line(`${title}: failed after ${elapsed(clock.now() - began)}`);
        },
      };
    },
    info: line,
    warn: (text) => line(`${paint("warning", "Warning:")} ${text}`),
    debug: (text) => line(`debug: ${text}`),
    clear() {},
    close() {
      for (const end of [...running]) end();
    },
  };
}
