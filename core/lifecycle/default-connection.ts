import { connectionName, following, preferring } from "../connections/book.ts";
import { editBook, readBook, type BookFile } from "../connections/edit.ts";
import { messageOf } from "../errors.ts";
import type { MachineRecord, Undo } from "../record.ts";
import type { Run } from "../run.ts";
import { readRecord } from "../store.ts";

/** Makes a machine's connection podman's default. */
export async function preferConnection({ name, spec: { rootful }, undo }: MachineRecord, run: Run): Promise<void> {
  for (const { book } of booksIn(undo)) await editBook(book, (now) => preferring(now, { name, rootful }), run);
}

/** Lets podman's default go along where a machine becomes rootful or rootless. What cannot be changed is a warning. */
export async function followRootful({ name, undo }: Pick<MachineRecord, "name" | "undo">, rootful: boolean, run: Run): Promise<void> {
  for (const { book } of booksIn(undo)) {
    await editBook(book, (now) => following(now, { name, rootful }), run)
      .catch((error: unknown) => run.report.warn(`podman's default connection stays as it is: ${messageOf(error)}`));
  }
}

/** Whether one of a machine's connections is podman's default; also where it has none. */
export async function isPreferred({ name, undo }: Pick<MachineRecord, "name" | "undo">): Promise<boolean> {
  const books = await Promise.all(booksIn(undo).map(({ book }) => readBook(book)));
  return books.every((book) => [false, true].some((rootful) => book.default === connectionName({ name, rootful })));
}

/** The files that connections were put into, and what stands there. */
export function booksIn(undo: readonly Undo[]): readonly { readonly book: BookFile; readonly titles: readonly string[] }[] {
  const found = undo.flatMap((one) => ("connection" in one ? [one] : []));
  const paths = [...new Set(found.map(({ connection }) => connection.path))];
  return paths.map((path) => {
    const here = found.filter(({ connection }) => connection.path === path);
    return { book: { path, format: here[0]?.connection.format ?? "json" }, titles: here.map(({ title }) => title) };
  });
}

/** Who gets the default: the machine that verbs mean when none is named, ours before podman's. */
export function heirs({ paths }: Pick<Run, "paths">): readonly string[] {
  const rootful = [recordOrNothing("default", paths)?.spec.rootful ?? false];
  return [...[...rootful, false, true].map((one) => connectionName({ name: "default", rootful: one })), "podman-machine-default"];
}

function recordOrNothing(name: string, paths: Run["paths"]): MachineRecord | undefined {
  try {
    return readRecord(paths, name);
  } catch {
    return undefined; // a damaged one
  }
}
