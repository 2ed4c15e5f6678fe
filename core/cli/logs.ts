import { MachineError } from "../errors.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import type { Paths } from "../paths.ts";
import { readRecord } from "../store.ts";
import { on, text, whole } from "./flags.ts";
import { interruptedStatus } from "./interrupt.ts";
import { readLog } from "../keeper/bounded-log.ts";
import { followLog } from "./log-file.ts";
import { controlFilter, parseSince, selectLines } from "./log-lines.ts";
import { defaultName, subjectName } from "./subject.ts";
import { defineVerb } from "./verb.ts";

const kinds = ["serial", "keeper", "forwarder", "vm", "events"] as const;
type Kind = (typeof kinds)[number];

export default defineVerb({
  usage: "[NAME] [serial|keeper|forwarder|vm|events]",
  description: "serial (the default): the guest's console. keeper, forwarder, vm: what they wrote. events: one JSON object a line.",
  examples: ["glowplug logs web", "glowplug logs --follow --tail 20 web keeper"],
  flags: {
    follow: on("-f, --follow", "Go on with what is written from now on"),
    tail: whole("-n, --tail <lines>", "Only so many lines of the end", 0),
    since: text("--since <time>", "Only from that time on: 2026-05-01T12:00:00Z, or how long ago: 10m"),
  },
  most: 2,
  async run({ words, flags, subject, run, output, shell }) {
    const { name, kind } = whichLog(words, subject && (await subjectName(subject, run.paths)), (word) => readRecord(run.paths, word) !== undefined);
    if (!readRecord(run.paths, name)) throw noSuchMachine(name);
    const since = flags.since === undefined ? undefined : parseSince(flags.since, Date.now());
    const path = run.paths.machine(name).log(kind);
    const log = await readLog(path);
    if (log === undefined && !flags.follow) throw noLog(name, kind, run.paths);
    const lines = selectLines(log?.text ?? "", { tail: flags.tail, since });
    if (!lines) throw new MachineError("usage", `the ${kind} log keeps no times, so --since cannot choose from it`, { hint: "Use --tail." });
    const clean = controlFilter();
    // While it is followed, a last line that is not finished stays open.
    const open = flags.follow === true && log !== undefined && !log.text.endsWith("\n");
    output.write(clean(lines.join("\n") + (open || lines.length === 0 ? "" : "\n")));
    if (!flags.follow) return;
    const ended = AbortSignal.any([shell.signal, output.closed]);
    await followLog(path, log?.size ?? 0, (added) => output.write(clean(added)), ended);
    if (shell.signal.aborted) return interruptedStatus(shell.signal);
  },
});

/** NAME and KIND in any order; a kind's word is a name only where such a machine exists and a kind follows. */
export function whichLog(words: readonly string[], subject: string | undefined, exists: (name: string) => boolean): { readonly name: string; readonly kind: Kind } {
  const [first, second] = words;
  const fallback = subject ?? defaultName;
  if (first === undefined) return { name: fallback, kind: "serial" };
  if (second === undefined) {
    const kind = kinds.find((known) => known === first);
    return kind && !exists(first) ? { name: fallback, kind } : { name: first, kind: "serial" };
  }
  const kind = kinds.find((known) => known === second);
  if (!kind) throw new MachineError("usage", `there is no log called ${JSON.stringify(second)}`, { hint: `The logs are ${kinds.join(", ")}.` });
  return { name: first, kind };
}

function noLog(name: string, kind: Kind, paths: Paths): MachineError {
  return new MachineError("not-found", `machine "${name}" has no ${kind} log: ${paths.machine(name).log(kind)} is not there`, {
    hint: `It begins with the first start: glowplug start ${name}`,
  });
}
