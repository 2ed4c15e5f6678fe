import { basename } from "node:path";
import type { SpanCategory, Trace } from "./run.ts";

/** Does some work within a span, which ends with it, well or not. */
export async function within<T>(trace: Trace, name: string, category: SpanCategory, fields: Readonly<Record<string, unknown>>, work: () => T | Promise<T>): Promise<T> {
  const end = trace.span(name, category, fields);
  try {
    return await work();
  } finally {
    end();
  }
}

/** Begins the span of a process that was just spawned: under its program's base name, without its arguments, which may hold secrets. Nothing for one that did not start. */
export function childSpan(trace: Trace, program: string, pid: number | undefined): () => void {
  return pid === undefined ? () => {} : trace.span(basename(program), "child", { pid });
}

type Work = (...args: never) => unknown;
type MethodOf<P> = { [M in keyof P]-?: NonNullable<P[M]> extends Work ? M : never }[keyof P] & string;
type Arguments<F> = NonNullable<F> extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never) => infer R ? Awaited<R> : undefined;

/** Calls a plugin's method within a span: "qemu.plan". Resolves to undefined for an optional one that it lacks. */
export async function callPlugin<P extends { readonly name: string }, M extends MethodOf<P>>(trace: Trace, plugin: P, method: M, ...args: Arguments<P[M]>): Promise<Result<P[M]>> {
  const work = plugin[method] as ((...args: Arguments<P[M]>) => Result<P[M]>) | undefined;
  if (work === undefined) return undefined as Result<P[M]>;
  return within(trace, `${plugin.name}.${method}`, "plugin", { plugin: plugin.name }, () => work.apply(plugin, args));
}
