import { MachineError } from "../errors.ts";
import { parseDuration } from "../units.ts";

/** The moment that a word means: a time ("2026-05-01T12:00:00Z"), or how long ago ("10m"). Throws MachineError "usage". */
export function parseSince(word: string, now: number): Date {
  const time = /^\d{4}-\d\d-\d\d/.test(word) ? new Date(word) : undefined;
  if (time && !Number.isNaN(time.getTime())) return time;
  try {
    return new Date(now - parseDuration(word));
  } catch (cause) {
    throw new MachineError("usage", `invalid argument ${JSON.stringify(word)} for "--since" flag: expected a time such as "2026-05-01T12:00:00Z", or how long ago such as "10m"`, { cause });
  }
}

/** When a line was written, where it says so: a leading ISO time, or the "time" of a JSON object. */
export function timeOfLine(line: string): Date | undefined {
  const stamp = /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)/.exec(line)?.[1] ?? /^\{.*?"time":"([^"]+)"/.exec(line)?.[1];
  const time = stamp === undefined ? undefined : new Date(stamp);
  return time && !Number.isNaN(time.getTime()) ? time : undefined;
}

/** The last `tail` lines from `since` on; a line without a time belongs to the one before it. Undefined where no line has a time to compare. */
export function selectLines(text: string, { tail, since }: { readonly tail?: number | undefined; readonly since?: Date | undefined }): string[] | undefined {
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  let chosen = lines;
  if (since) {
    if (lines.length > 0 && !lines.some((line) => timeOfLine(line))) return undefined;
    const first = lines.findIndex((line) => (timeOfLine(line)?.getTime() ?? Number.NEGATIVE_INFINITY) >= since.getTime());
    chosen = first < 0 ? [] : lines.slice(first);
  }
  return tail === undefined ? chosen : tail === 0 ? [] : chosen.slice(-tail);
}

/** Takes out of a console's text what moves the cursor, colours or clears a screen, also where a sequence comes in two pieces. */
export function controlFilter(): (text: string) => string {
  let held = "";
  return (text) => {
    const all = held + text;
    // eslint-disable-next-line no-control-regex
    held = /(?:\u001b(?:\[[0-9;?=]*|[()])?|\r+)$/.exec(all)?.[0] ?? "";
    return all.slice(0, all.length - held.length)
      // eslint-disable-next-line no-control-regex
      .replaceAll(/\u001b\[[0-9;?=]*[a-zA-Z]|\u001b[()][A-Z0-9]|\u001b[a-zA-Z=>]/g, "")
      .replaceAll(/\r*\n|\r+/g, "\n")
      // eslint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  };
}
