import { parseEvents } from "../keeper/event-reader.ts";
import { readLog } from "../keeper/bounded-log.ts";
import type { MachineEvent } from "../keeper/protocol.ts";
import type { MachinePaths } from "../paths.ts";
import { noTrace, type Run, type SpanCategory, type Trace } from "../run.ts";

/**
 * Waits for what a keeper does, and puts its phases and children into the trace, also when it fails: from the events that it wrote down
 * meanwhile. A child that lives on ends in the trace when the wait does; one that lived before begins with it.
 */
export async function withKeeperSpans<T>({ trace }: Run, files: MachinePaths, work: () => Promise<T>): Promise<T> {
  if (trace === noTrace) return work();
  const begin = Date.now();
  try {
    return await work();
  } finally {
    const end = Date.now();
    // A log that cannot be read is no reason to fail a verb.
    const log = await readLog(files.log("events")).catch(() => undefined);
    addKeeperSpans(trace, parseEvents(log?.text ?? ""), begin, end);
  }
}

/** Spans of the events from `begin` to `end`, both in milliseconds since the epoch. */
export function addKeeperSpans(trace: Trace, events: readonly MachineEvent[], begin: number, end: number): void {
  const open = new Map<string, { readonly subject: Subject; readonly from: number }>();
  for (const event of events) {
    const at = Date.parse(event.time);
    const subject = at >= begin && at <= end ? subjectOf(event) : undefined;
    if (!subject) continue;
    const { key, begins } = subject;
    if (begins) open.set(key, { subject, from: at });
    else {
      add(subject, open.get(key)?.from ?? begin, at);
      open.delete(key);
    }
  }
  for (const { subject, from } of open.values()) add(subject, from, end);

  function add({ name, category, fields }: Subject, from: number, to: number): void {
    trace.add(name, category, from, to, fields);
  }
}

/** What an event begins or ends. */
interface Subject {
  readonly key: string;
  readonly begins: boolean;
  readonly category: SpanCategory;
  readonly name: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

function subjectOf({ type, action, phase, program, name, role, pid }: MachineEvent): Subject | undefined {
  if (type === "phase") return { key: `phase ${String(phase)}`, begins: action === "begin", category: "phase", name: String(phase) };
  // A keeper of an older version tells no program.
  if (type === "child") return { key: `child ${String(pid)}`, begins: action === "spawned" || action === "adopted", category: "child", name: String(program ?? name), fields: { pid, role } };
  return undefined;
}
