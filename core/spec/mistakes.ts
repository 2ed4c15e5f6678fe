import { MachineError, isMachineError, messageOf, type ErrorCode } from "../errors.ts";

/** One thing that is wrong in a spec. */
export interface Mistake {
  /** The field, as the user would write it: "ports[0].hostPort"; empty for the whole spec. */
  readonly path: string;
  /** "expected X, found Y". */
  readonly message: string;
  /** Default: bad-spec. */
  readonly code?: ErrorCode;
  readonly hint?: string;
  /** What was thrown, where it came from a plugin. */
  readonly cause?: unknown;
}

/** The field of the spec that a path begins with: "ports" of "ports[0].hostPort". Empty for the whole spec. */
export function topField(path: string): string {
  return /^\w*/.exec(path)?.[0] ?? "";
}

/** Finds the line of a field in the file it stands in; undefined where that is not known. */
export type LineOf = (path: string) => number | undefined;

/** A mistake and the file it stands in. */
export interface LocatedMistake extends Mistake {
  readonly where: string;
  readonly line?: number;
}

/** The place of what flags say. */
export const commandLine = "the command line";

/** Throws every mistake at once as one MachineError, or nothing when there is none. */
export function throwMistakes(mistakes: readonly LocatedMistake[]): void {
  const [first] = mistakes;
  if (!first) return;
  const places = [...new Set(mistakes.map(({ where }) => where))];
  const codes = new Set(mistakes.map(({ code = "bad-spec" }) => code));
  const hints = [...new Set(mistakes.flatMap(({ hint }) => hint ?? []))];
  const single = mistakes.length === 1;
  const message = single ? (speaksForItself(first) ? first.message : textOf(first, true)) : `${places.join(" and ")} ${places.length === 1 ? "has" : "have"} ${mistakes.length} mistakes`;
  throw new MachineError(codes.size === 1 ? (first.code ?? "bad-spec") : "bad-spec", message, {
    ...(!single && { details: mistakes.map((mistake) => textOf(mistake, places.length > 1)) }),
    hint: hints.length > 0 ? hints.join(" ") : `Mend ${single ? "it" : "them"} in ${places.join(" and ")}; \`glowplug plan\` checks and makes nothing.`,
    ...(single && first.cause !== undefined && { cause: first.cause }),
  });
}

/** The one mistake of a command line needs no place where it says what is wrong by itself, as podman's messages do. */
function speaksForItself({ where, message }: LocatedMistake): boolean {
  return where === commandLine && !/^(expected|unknown) /.test(message);
}

function textOf({ where, line, path, message }: LocatedMistake, withPlace: boolean): string {
  const place = line === undefined ? where : `${where}:${line}`;
  const shownPlace = withPlace ? `${place}: ` : line === undefined ? "" : `line ${line}: `;
  return `${shownPlace}${path === "" ? "" : `${path}: `}${message}`;
}

/** A mistake made of a thrown error, such as one of a plugin's factory. */
export function mistakeOf(path: string, error: unknown): Mistake {
  if (!isMachineError(error)) return { path, message: messageOf(error), cause: error };
  const message = [error.message, ...(error.details ?? [])].join("; ");
  return { path, message, code: error.code, cause: error, ...(error.hint !== undefined && { hint: error.hint }) };
}
