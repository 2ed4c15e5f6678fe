import type { Trace } from "../../core/run.ts";

/** A span as a test compares it: how it was begun, and whether it has ended. */
export interface RecordedSpan {
  readonly name: string;
  readonly category: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  ended: boolean;
}

/** A trace that keeps what it is told, in the order in which spans begin. */
export function recordTrace(): Trace & { readonly spans: readonly RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const begin = (name: string, category: string, fields: RecordedSpan["fields"], ended: boolean): RecordedSpan => {
    const span = { name, category, ...(fields && { fields }), ended };
    spans.push(span);
    return span;
  };
  return {
    spans,
    span(name, category, fields) {
      const span = begin(name, category, fields, false);
      return () => {
        span.ended = true;
      };
    },
    add: (name, category, _begin, _end, fields) => void begin(name, category, fields, true),
  };
}
