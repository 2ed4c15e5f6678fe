import { choice, converted, on, text, type FlagValues } from "./flags.ts";

export type Level = "debug" | "info" | "warn" | "error";

// podman's words; those that have no step of their own here mean the nearest one.
const levels: Readonly<Record<string, Level>> = {
  trace: "debug", debug: "debug", info: "info", warn: "warn", warning: "warn", error: "error", fatal: "error", panic: "error",
};

/** Flags that every verb takes, before or after it. */
export const globalFlags = {
  help: on("-h, --help", "Show this help"),
  quiet: on("-q, --quiet", "No progress, only warnings and the answer"),
  verbose: on("--verbose", "Say more, the same as --log-level debug"),
  logLevel: converted("--log-level <level>", "Least level of lines on stderr: debug, info, warn, error", `one of ${Object.keys(levels).join(", ")}`, (word) => (Object.hasOwn(levels, word.toLowerCase()) ? levels[word.toLowerCase()] : undefined)),
  logFormat: choice("--log-format <format>", "How lines on stderr look: text, json", ["text", "json"]),
  noColor: on("--no-color", "No colours, as with NO_COLOR in the environment"),
  json: on("--json", "Print the answer, and an error, as one JSON document on stdout"),
  offline: on("--offline", "Fetch nothing: the store and copies of indexes must do (GLOWPLUG_OFFLINE=1)"),
  trace: text("--trace <file>", "Write a Chrome trace of phases, hooks, plugins and processes"),
} as const;

/** Settings of the global flags after defaults. */
export interface Globals {
  readonly help: boolean;
  readonly quiet: boolean;
  readonly level: Level;
  readonly logFormat: "text" | "json";
  readonly noColor: boolean;
  readonly json: boolean;
  readonly offline: boolean;
  readonly trace?: string;
}

type Given = Partial<FlagValues<typeof globalFlags>>;

/** Merges the flags given before the verb and after it; later ones win. */
export function readGlobals(...given: readonly Given[]): Globals {
  const all: Given = Object.assign({}, ...given.map((flags) => Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))));
  return {
    help: all.help ?? false, quiet: all.quiet ?? false, noColor: all.noColor ?? false, json: all.json ?? false, offline: all.offline ?? false,
    logFormat: all.logFormat ?? "text", level: all.logLevel ?? (all.verbose ? "debug" : all.quiet ? "warn" : "info"),
    ...(all.trace !== undefined && { trace: all.trace }),
  };
}
