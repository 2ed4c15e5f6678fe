import { writeFile } from "node:fs/promises";
import type { Trace } from "../run.ts";

/** A trace that ends in a file. */
export interface FileTrace extends Trace {
  write(): Promise<void>;
}

interface Span {
  readonly name: string;
  readonly category: string;
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
    add: (name, category, begin, end) => void spans.push({ name, category, begin, end }),
    async write() {
      // A span that an error left open ends here.
      const all = [...spans, ...[...open.values()].map((span) => ({ ...span, end: now() }))];
      await writeFile(path, `${JSON.stringify(traceDocument(all, process.pid), undefined, 1)}\n`);
    },
  };
}

/** One track a category, in the order of their first spans. */
export function traceDocument(spans: readonly Span[], pid: number): { readonly displayTimeUnit: "ms"; readonly traceEvents: readonly object[] } {
  const sorted = [...spans].sort((a, b) => a.begin - b.begin);
  const tracks = [...new Set(sorted.map((span) => span.category))];
  const names = tracks.map((category, tid) => ({ name: "thread_name", ph: "M", pid, tid, args: { name: category } }));
  const events = sorted.map(({ name, category, begin, end, fields }) => ({
    name, cat: category, ph: "X", ts: Math.round(begin * 1000), dur: Math.round((end - begin) * 1000), pid, tid: tracks.indexOf(category), args: fields ?? {},
  }));
  return { displayTimeUnit: "ms", traceEvents: [...names, ...events] };
}
