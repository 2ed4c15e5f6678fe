import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { attachTerminal, forwardSignals, ptyOf } from "../../../core/keeper/terminal.ts";

/** A terminal that keeps what was done to it. */
function terminal(isRaw = false) {
  const log: string[] = [];
  const stdin = { isRaw, setRawMode: (raw: boolean) => log.push(`raw ${raw}`) };
  const stdout = Object.assign(new EventEmitter(), { columns: 80, rows: 24 });
  const control = { signal: (name: string) => log.push(`signal ${name}`), resize: (cols: number, rows: number) => log.push(`resize ${cols} ${rows}`) };
  return { log, stdin, stdout, control, source: new EventEmitter() };
}

it("asks for a pty as large as the terminal", () => {
  expect(ptyOf({ columns: 120, rows: 40 }, "screen")).toEqual({ term: "screen", cols: 120, rows: 40 });
  expect(ptyOf({ columns: 120, rows: 40 }, undefined)).toEqual({ term: "xterm-256color", cols: 120, rows: 40 });
});

it("puts the terminal in raw mode, passes its size on, and puts it back", () => {
  const { log, stdin, stdout, control, source } = terminal();
  const detach = attachTerminal({ stdin, stdout }, source)(control);
  Object.assign(stdout, { columns: 132, rows: 50 });
  stdout.emit("resize");
  detach();
  stdout.emit("resize");
  source.emit("exit");
  expect(log).toEqual(["raw true", "resize 80 24", "resize 132 50", "raw false"]);
});

it("puts the terminal back when the process exits first", () => {
  const { log, stdin, stdout, control, source } = terminal();
  attachTerminal({ stdin, stdout }, source)(control);
  source.emit("exit");
  expect(log).toEqual(["raw true", "resize 80 24", "raw false"]);
});

it("leaves a terminal raw that was raw before", () => {
  const { log, stdin, stdout, control, source } = terminal(true);
  attachTerminal({ stdin, stdout }, source)(control)();
  expect(log).toEqual(["raw true", "resize 80 24", "raw true"]);
});

it("hands signals on until it is detached", () => {
  const { log, control, source } = terminal();
  const detach = forwardSignals(source)(control);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"]) source.emit(name);
  detach();
  source.emit("SIGINT");
  expect(log).toEqual(["signal SIGINT", "signal SIGTERM", "signal SIGHUP", "signal SIGQUIT"]);
  expect(source.eventNames()).toEqual([]);
});
