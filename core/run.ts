import type { DownloadLimits } from "./download-limits.ts";
import type { HostFacts } from "./model.ts";
import type { Paths } from "./paths.ts";

/** What a running verb has at hand. Made by the command line, or by `openMachine` for scripts. */
export interface Run {
  readonly host: HostFacts;
  readonly paths: Paths;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly report: Report;
  readonly trace: Trace;
  /** Folder that relative paths of flags are relative to. */
  readonly cwd: string;
  /** Variables of the environment that settings are read from: GLOWPLUG_*, CONTAINERS_*, PODMAN_*, DOCKER_*, SHELL. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fetch nothing: texts come from the copies that were kept, images from the store. Default: false. */
  readonly offline?: boolean;
  /** Where a download is to be more or less patient than usual. */
  readonly limits?: Partial<DownloadLimits>;
}

/** Where progress goes. On a terminal one live line a phase, else plain lines on stderr. */
export interface Report {
  /** Begins a phase; `done` or `fail` ends it. */
  phase(title: string): PhaseReport;
  info(line: string): void;
  warn(line: string): void;
  debug(line: string): void;
}
export interface PhaseReport {
  /** Bytes of a download or copy. */
  progress(done: number, total: number | undefined): void;
  note(text: string): void;
  done(text?: string): void;
  fail(): void;
}

/** What a span measures: a verb, a phase of it, a tap of a hook, another call of a plugin, a process. */
export type SpanCategory = "verb" | "phase" | "hook" | "plugin" | "child";
/** Spans for `--trace`. */
export interface Trace {
  /** Begins a span; the function returned ends it. */
  span(name: string, category: SpanCategory, fields?: Readonly<Record<string, unknown>>): () => void;
  /** Adds a span measured elsewhere; times in milliseconds since the epoch. */
  add(name: string, category: SpanCategory, begin: number, end: number, fields?: Readonly<Record<string, unknown>>): void;
}

/** Whether the environment wants nothing to be fetched: GLOWPLUG_OFFLINE with anything but 0 or false. */
export function isOffline(env: Run["env"]): boolean {
  return !/^(0|false|no|off|)$/i.test(env["GLOWPLUG_OFFLINE"] ?? "");
}

/** A report that says nothing. */
export const silentReport: Report = {
  phase: () => ({ progress() {}, note() {}, done() {}, fail() {} }),
  info() {}, warn() {}, debug() {},
};
/** A trace that keeps nothing. */
export const noTrace: Trace = { span: () => () => {}, add() {} };
