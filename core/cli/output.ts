import { randomInt } from "node:crypto";
import type { Writable } from "node:stream";
import { codeOf, diskError } from "../atomic.ts";
import type { ErrorRecord } from "../errors.ts";
import { createPaint, type Paint } from "./paint.ts";
import { visible } from "./visible.ts";

/** An output that may be a terminal. */
export type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** Where the answer goes. */
export interface Output {
  /** Writes to stdout. What a terminal would obey is made visible, but for the colours of `paint`. */
  write(text: string): void;
  line(text: string): void;
  /** One JSON document and a newline. */
  json(value: unknown, indent?: number): void;
  /** Aborts when nobody reads stdout any more. */
  readonly closed: AbortSignal;
  readonly isTerminal: boolean;
  readonly paint: Paint;
  /** Resolves when all is written, or nobody reads it any more. Throws MachineError "disk" for an answer that could not be written. */
  flush(): Promise<void>;
}

/** A pipe without a reader, and a terminal that was closed. */
const readerGone: readonly (string | undefined)[] = ["EPIPE", "EIO", "ECONNRESET"];

/**
 * The answer's way to stdout. A reader that went away (`| head`) is no error: what follows is dropped. Whatever else goes wrong with it is
 * told at the end: a verb that is half done must not end for it. `before` runs ahead of each write.
 */
export function createOutput(stdout: Stream, options: { readonly noColor: boolean; readonly before?: () => void }): Output {
  const gone = new AbortController();
  stdout.on("error", (error: NodeJS.ErrnoException) => gone.abort(error));
  const colours = onlyOurs(createPaint(stdout, options.noColor));
  const write = (text: string): void => {
    if (gone.signal.aborted || text === "") return;
    options.before?.();
    stdout.write(colours.shown(text));
  };
  return {
    write,
    line: (text) => write(`${text}\n`),
    json: (value, indent = 2) => write(`${JSON.stringify(value, undefined, indent)}\n`),
    closed: gone.signal,
    isTerminal: stdout.isTTY === true,
    paint: colours.paint,
    flush: () => flushed(stdout, gone.signal),
  };
}

/** Colours of ours bear a number that nobody else knows until they are written: so those in a foreign text are told from them. */
function onlyOurs(paint: Paint): { readonly paint: Paint; shown(text: string): string } {
  const ours = `\u001b[${randomInt(2 ** 40, 2 ** 47)};`;
  return {
    paint: (look, text) => paint(look, visible(text)).replaceAll("\u001b[", ours),
    shown: (text) => text.split(ours).map(visible).join("\u001b["),
  };
}

async function flushed(stream: Stream, gone: AbortSignal): Promise<void> {
  if (!gone.aborted) {
    await new Promise<void>((resolve) => {
      gone.addEventListener("abort", () => resolve(), { once: true });
      stream.write("", () => resolve());
    });
  }
  if (gone.aborted && !readerGone.includes(codeOf(gone.reason))) throw diskError("the answer could not be written to standard output", gone.reason);
}

/** An error as people read it: what, the details indented, what to do next. */
export function errorText(error: ErrorRecord, paint: Paint): string {
  const where = [error.plugin && `plugin ${error.plugin}`, error.stage && `in ${error.stage}`].filter((part) => part && !error.message.includes(part.replace(/^(plugin|in) /, "")));
  const lines = [`${paint("error", "Error:")} ${visible(error.message)}${where.length > 0 ? ` (${visible(where.join(", "))})` : ""}`];
  for (const detail of error.details ?? []) lines.push(...visible(detail).split("\n").map((line) => `  ${line}`));
  if (error.hint !== undefined) lines.push(`${paint("hint", "hint:")} ${visible(error.hint)}`);
  return `${lines.join("\n")}\n`;
}
