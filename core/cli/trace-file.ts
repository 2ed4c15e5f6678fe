import { writeFile } from "node:fs/promises";
import type { SpanCategory, Trace } from "../run.ts";

/** A trace that ends in a file. */
export interface FileTrace extends Trace {
  /** Ends what is open, and writes all. */
  write(): Promise<void>;
}

interface Span {
  readonly name: string;
  readonly category: SpanCategory;
  readonly begin: number;
  readonly end: number;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Keeps spans for a file that chrome://tracing and Perfetto open: complete events ("X"), times in microseconds. */
export function createFileTrace(path: string): FileTrace {
  const spans: Span[] = [];
  const now = (): number => performance.timeOrigin + performance.now();
  const open = new Map<symbol, Omit<Span, "end">>();
  return {
    span(name, category, fields) {
      const key = Symbol(name);
      open.set(key, { name, category, begin: now(), ...(fields && { fields }) });
      return () => {
        const span = open.get(key);
        if (open.delete(key) && span) spans.push({ ...span, end: now() });
      };
    },
    add: (name, category, begin, end, fields) => void spans.push({ name, category, begin, end, ...(fields && { fields }) }),
    async write() {
      const end = now();
      const all = [...spans, ...[...open.values()].map((span) => ({ ...span, end }))];
      await writeFile(path, `${JSON.stringify(traceDocument(all, process.pid), undefined, 1)}\n`);
    },
  };
}

/** One track a category, in the order of their first spans; more where spans of a category overlap and none holds the other, which a track cannot show. */
export function traceDocument(spans: readonly Span[], pid: number): { readonly displayTimeUnit: "ms"; readonly traceEvents: readonly object[] } {
  // Of those that begin together the longest first: it holds the others.
  const sorted = [...spans].sort((a, b) => a.begin - b.begin || b.end - a.end);
  const tracks: { readonly name: string; readonly category: string; readonly open: Span[] }[] = [];
  for (const category of new Set(sorted.map((span) => span.category))) tracks.push({ name: category, category, open: [] });
  const events = sorted.map((span) => {
    const { name, category, begin, end, fields } = span;
    const ts = Math.round(begin * 1000);
    return { name, cat: category, ph: "X", ts, dur: Math.round(end * 1000) - ts, pid, tid: trackOf(span), args: fields ?? {} };
  });
  const names = tracks.map(({ name }, tid) => ({ name: "thread_name", ph: "M", pid, tid, args: { name } }));
  return { displayTimeUnit: "ms", traceEvents: [...names, ...events] };

  function trackOf(span: Span): number {
    const own = tracks.filter(({ category }) => category === span.category);
    const free = own.find(({ open }) => {
      while (open.length > 0 && (open.at(-1)?.end ?? 0) <= span.begin) open.pop();
      return open.every(({ end }) => span.end <= end);
    });
    const track = free ?? { name: `${span.category} ${own.length + 1}`, category: span.category, open: [] };
    if (!free) tracks.push(track);
    track.open.push(span);
    return tracks.indexOf(track);
  }
}
