import type { Clock } from "./clock.ts";
import { bar, Meter, readingText } from "./meter.ts";
import type { Paint } from "./paint.ts";
import type { ConsoleReport } from "./console-report.ts";
import { displayWidth } from "./table.ts";
import { elapsed } from "./times.ts";

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
const barWidth = 24;
const leastBar = 6;

interface LivePhase {
  readonly title: string;
  readonly began: number;
  readonly meter: Meter;
  note: string;
}
interface Screen {
  write(text: string): void;
  columns(): number;
  readonly paint: Paint;
  readonly clock: Clock;
}

/** Progress for a terminal: one line a phase at the bottom, redrawn in place; finished phases stay above it. */
export function createLiveReport({ write, columns, paint, clock }: Screen): ConsoleReport {
  const phases = new Set<LivePhase>();
  let drawn = 0;
  let frame = 0;
  let stopTimer: (() => void) | undefined;

  const erase = (): string => {
    if (drawn === 0) return "";
    const text = `\r\u001b[${drawn > 1 ? `${drawn - 1}A\u001b[` : ""}J`;
    drawn = 0;
    return text;
  };
  const draw = (): string => {
    const lines = [...phases].map((phase) => fitted(liveLine(phase), columns() - 1));
    drawn = lines.length;
    return lines.join("\n");
  };
  const redraw = (): void => write(erase() + draw());
  const print = (line: string): void => write(`${erase()}${line}\n${draw()}`);

  function liveLine({ title, began, meter, note }: LivePhase): string {
    const reading = meter.read();
    const head = `${paint("accent", spinner[frame % spinner.length] ?? "")} ${title}`;
    const tail = [
      ...(reading === undefined ? [] : [readingText(reading).trim()]), ...(note === "" ? [] : [paint("faint", note)]),
      ...(reading?.leftMs === undefined ? [paint("faint", elapsed(clock.now() - began))] : []),
    ].join("  ");
    // The bar takes what room there is.
    const room = reading?.total === undefined ? 0 : Math.min(barWidth, columns() - 5 - displayWidth(head) - displayWidth(tail));
    return [head, ...(reading && room >= leastBar ? [bar(reading, room)] : []), tail].join("  ");
  }

  return {
    phase(title) {
      const phase: LivePhase = { title, began: clock.now(), meter: new Meter(), note: "" };
      phases.add(phase);
      redraw();
      stopTimer ??= clock.every(frameMs, () => {
        frame += 1;
        redraw();
      });
      const end = (line: string): void => {
        if (!phases.delete(phase)) return;
        print(line);
        if (phases.size > 0) return;
        stopTimer?.();
        stopTimer = undefined;
      };
      const took = (): string => paint("faint", elapsed(clock.now() - phase.began));
      return {
        progress: (done, total) => phase.meter.add(clock.now(), done, total),
        note: (text) => { phase.note = text; },
        done: (text) => end(`${paint("good", "✓")} ${title}  ${took()}${text === undefined ? "" : `  ${text}`}`),
        fail: () => end(`${paint("error", "✗")} ${title}  ${took()}`),
      };
    },
    info: print,
    warn: (text) => print(`${paint("warning", "Warning:")} ${text}`),
    debug: (text) => print(paint("faint", text)),
    clear: () => write(erase()),
    close() {
      stopTimer?.();
      stopTimer = undefined;
      phases.clear();
      write(erase());
    },
  };
}

/** Cuts a line to the screen's width: a wrapped one could not be erased. */
function fitted(line: string, width: number): string {
  if (displayWidth(line) <= width) return line;
  let room = Math.max(0, width - 1);
  let cut = "";
  // Colour sequences take no room, and all are kept so that none stays switched on.
  // eslint-disable-next-line no-control-regex
  for (const [piece] of line.matchAll(/\u001b\[[0-9;]*m|[\s\S]/gu)) {
    if (piece.startsWith("\u001b")) cut += piece;
    else if (room > 0) {
      cut += piece;
      room -= 1;
      if (room === 0) cut += "…";
    }
  }
  return cut;
}
