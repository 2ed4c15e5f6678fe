import { resolve } from "node:path";
import { MachineError, toErrorRecord } from "../errors.ts";
import { isOffline, noTrace } from "../run.ts";
import { parseFlags } from "./flags.ts";
import { globalFlags, readGlobals, type Globals } from "./globals.ts";
import { helpOf, overview } from "./help-text.ts";
import { interruptedStatus } from "./interrupt.ts";
import { createOutput, errorText, type Output } from "./output.ts";
import { createPaint } from "./paint.ts";
import { createReport } from "./progress.ts";
import { isScriptPath } from "./script-path.ts";
import { nearest } from "../suggest.ts";
import { tracedReport } from "./traced-report.ts";
import { findVerb, type Call, type Shell, type Subject, type Verb, type VerbEntry } from "./verb.ts";
import { visible } from "./visible.ts";

/** podman's status for every failure of its own (libpod/define/exec_codes.go). */
const failureStatus = 125;

/** Runs one command line that names one of these verbs. Resolves to the exit status; failures are printed, never thrown. */
export async function runLine(verbs: readonly VerbEntry[], argv: readonly string[], shell: Shell, subject?: Subject): Promise<number> {
  // Until the flags are read, their plain words tell how an error is to look.
  let globals = readGlobals({ json: argv.includes("--json"), noColor: argv.includes("--no-color") });
  try {
    const parsed = parseLine(verbs, argv);
    if ("answer" in parsed) {
      if (!globals.json || !parsed.error) await print(parsed.answer, shell);
      if (parsed.error) throw parsed.error;
      return 0;
    }
    globals = parsed.globals;
    return await runVerb(verbs, parsed, shell, subject);
  } catch (error) {
    return fail(error, globals, shell);
  }
}

interface ParsedLine {
  readonly entry: VerbEntry;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
  readonly globals: Globals;
}

/** What is printed instead of running a verb, and what was wrong with the line. */
interface Answer {
  readonly answer: string;
  readonly error?: MachineError;
}

function parseLine(verbs: readonly VerbEntry[], argv: readonly string[]): ParsedLine | Answer {
  const parseRoot = (line: readonly string[], program: string) => parseFlags({ ...globalFlags, ...rootFlags }, line, { program, passThrough: true });
  const before = parseRoot(argv, "glowplug");
  const asPodman = before.words[0] === "machine";
  const called = asPodman ? "glowplug machine" : "glowplug";
  const inner = asPodman ? parseRoot(before.words.slice(1), called) : { flags: {}, words: before.words };
  const { words } = inner;
  const [first, ...rest] = words;
  const early = [before.flags, inner.flags];
  if (before.flags.version) return parseLine(verbs, ["version", "--format", "glowplug version {{.Client.Version}}"]);
  if (first === undefined) {
    if (readGlobals(...early).help) return { answer: overview(verbs) };
    // podman shows its help, and fails nevertheless.
    if (asPodman) return { answer: overview(verbs), error: new MachineError("usage", `missing command '${called} COMMAND'`, { hint: `See '${called} --help'.` }) };
    throw new MachineError("usage", "missing verb: glowplug VERB", { details: [`The verbs are ${verbs.map(({ name }) => name).join(", ")}.`], hint: "See 'glowplug --help'." });
  }
  const known = findVerb(verbs, first);
  const entry = known ?? (isScriptPath(first) ? findVerb(verbs, "run") : undefined);
  if (!entry) throw unknownVerb(verbs, first, called);
  const { verb } = entry;
  const program = `glowplug ${entry.name}`;
  const after = parseFlags({ ...globalFlags, ...verb.flags }, known ? rest : words, { program, ...(verb.passThrough && { passThrough: true }) });
  const globals = readGlobals(...early, after.flags);
  if (globals.help) return { answer: helpOf(entry) };
  checkCount(verb, after.words, program);
  return { entry, flags: after.flags, words: after.words, globals };
}

const rootFlags = { version: { ...globalFlags.help, names: "-v, --version", help: "Print the version" } } as const;

async function runVerb(verbs: readonly VerbEntry[], { entry, flags, words, globals }: ParsedLine, shell: Shell, subject: Subject | undefined): Promise<number> {
  const report = createReport(shell.stderr, globals);
  const output = createOutput(shell.stdout, { noColor: globals.noColor, before: () => report.clear() });
  const trace = globals.trace === undefined ? undefined : (await import("./trace-file.ts")).createFileTrace(resolve(shell.cwd, globals.trace));
  const tracing = trace ?? shell.trace ?? noTrace;
  // A command of the guest may hold secrets, and may be the first word.
  const endSpan = tracing.span(entry.name, "verb", entry.verb.passThrough ? {} : { words });
  try {
    const { signal, cwd, paths, env } = shell;
    const offline = globals.offline || isOffline(env);
    const run = { signal, cwd, paths, env, offline, report: tracedReport(report, tracing), trace: tracing, get host() { return shell.hostFor(tracing); } };
    const call: Call = {
      flags, words, globals, run, output, shell, ...(subject && { subject }),
      isVerb: (word) => findVerb(verbs, word) !== undefined,
      dispatch: (line, about) => runLine(verbs, [...passOn(globals), ...line], { ...shell, trace: tracing }, about),
    };
    const status = (await runOnAll(entry.verb, call)) ?? 0;
    await output.flush();
    return status;
  } finally {
    report.close();
    // What outlives the verb, the keeper for one, ends with it in the trace.
    if (trace) await trace.write();
    else endSpan();
    await output.flush().catch(() => {}); // told above, or the verb's own failure is
  }
}

/** Runs a verb on the machine that it is about, or on each of several. */
async function runOnAll(verb: Verb, call: Call): Promise<number | void> {
  if (!verb.several) return verb.run(call);
  const { callsOf, runSeveral } = await import("./several.ts");
  const calls = await callsOf(call, verb.several);
  return calls ? runSeveral(verb, calls, verb.several) : verb.run(call);
}

/** Global flags as words again, for a verb that runs another. */
function passOn(globals: Globals): string[] {
  return [
    ...(globals.quiet ? ["--quiet"] : []), ...(globals.json ? ["--json"] : []), ...(globals.noColor ? ["--no-color"] : []), ...(globals.offline ? ["--offline"] : []),
    `--log-level=${globals.level}`, `--log-format=${globals.logFormat}`, ...(globals.help ? ["--help"] : []),
  ];
}

async function print(text: string, shell: Shell): Promise<number> {
  const output: Output = createOutput(shell.stdout, { noColor: true });
  output.write(text);
  await output.flush();
  return 0;
}

/**
 * Prints an error for people on stderr. With --json it is also the answer, and so stands on stdout: a program that reads
 * stdout gets exactly one document, whether it went well or not, and never has to pick it out from among progress lines.
 */
async function fail(error: unknown, globals: Globals, shell: Shell): Promise<number> {
  const interrupted = shell.signal.aborted;
  // What an abort threw says less than why it was aborted.
  const record = toErrorRecord(interrupted && error instanceof Error && error.name === "AbortError" ? shell.signal.reason : error);
  if (globals.logFormat === "json") shell.stderr.write(`${visible(JSON.stringify({ time: new Date().toISOString(), level: "error", msg: record.message, ...record }))}\n`);
  else shell.stderr.write(errorText(record, createPaint(shell.stderr, globals.noColor)));
  if (globals.level === "debug" && error instanceof Error && globals.logFormat === "text") shell.stderr.write(`${visible(traceOf(error))}\n`);
  if (globals.json) await print(`${JSON.stringify({ error: record })}\n`, shell).catch(() => {}); // nobody reads it
  return interrupted || record.code === "interrupted" ? interruptedStatus(shell.signal) : failureStatus;
}

/** Stacks of an error and of what caused it. */
function traceOf(error: Error): string {
  const { stack = error.message, cause } = error;
  return cause instanceof Error ? `${stack}\ncaused by ${traceOf(cause)}` : stack;
}

function unknownVerb(verbs: readonly VerbEntry[], word: string, called: string): MachineError {
  const near = nearest(word, verbs.flatMap(({ name, aliases = [] }) => [name, ...aliases]));
  return new MachineError("usage", `unrecognized command \`${called} ${word}\``, { hint: `${near === undefined ? "" : `Did you mean ${near}? `}See '${called} --help'.` });
}

function checkCount({ least = 0, most: alone = 1, several }: Verb, words: readonly string[], program: string): void {
  const most = several && isScriptPath(words[0] ?? "") ? Infinity : alone;
  if (words.length >= least && words.length <= most) return;
  const [count, many] = words.length > most ? [most, "at most "] : [least, "at least "];
  const wanted = count === 0 ? "no arguments" : `${least === most ? "" : many}${count} argument${count === 1 ? "" : "s"}`;
  throw new MachineError("usage", `${program} accepts ${wanted}, received ${words.length}`, {
    hint: `See '${program} --help'.`,
  });
}
