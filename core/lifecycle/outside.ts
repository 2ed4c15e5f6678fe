import { adding, removing, type ConnectionBook } from "../connections/book.ts";
import { editBook, readBook, type BookFile } from "../connections/edit.ts";
import { MachineError, messageOf } from "../errors.ts";
import type { ConnectionRegistration, MachineInfo, Registration } from "../model.ts";
import { runCommand } from "../process.ts";
import type { MachineRecord, Undo } from "../record.ts";
import type { Run } from "../run.ts";
import { callPlugin } from "../spans.ts";
import type { ResolvedSpec } from "../spec-types.ts";
import { step } from "../step.ts";
import { writeRecord } from "../store.ts";
import { booksIn, followRootful, heirs } from "./default-connection.ts";
import { recordedInfo } from "./facts.ts";

/** What the plugins of a machine want to be known outside. */
export interface Outside {
  readonly info: MachineInfo;
  readonly wanted: readonly { readonly plugin: string; readonly registration: Registration }[];
}

/** Asks every plugin. No side effect. */
export async function planOutside(spec: ResolvedSpec, info: MachineInfo, run: Run): Promise<Outside> {
  const wanted: { plugin: string; registration: Registration }[] = [];
  for (const plugin of spec.plugins) {
    for (const registration of (await callPlugin(run.trace, plugin, "registrations", info, run.host)) ?? []) wanted.push({ plugin: plugin.name, registration });
  }
  return { info, wanted };
}

/** Refuses a machine whose connections somebody else has, in podman's words. Throws MachineError "already-exists". A file that cannot be read is told when it is to be written. */
export async function checkOutside({ info, wanted }: Outside, run: Run): Promise<void> {
  for (const { plugin, registration } of wanted) {
    if (registration.kind !== "connection") continue;
    const { name } = registration;
    const { connections } = await readBook(bookOf(registration, run)).catch((): ConnectionBook => ({ connections: {} }));
    if (isTaken(name, connections, info)) {
      throw new MachineError("already-exists", `system connection "${name}" already exists. consider a different machine name or remove the connection with \`podman system connection rm\``, { plugin });
    }
  }
}

/**
 * Does what is wanted and not yet done, and adds its undo to that of earlier times; `note` writes down each before it is done. What
 * fails is a warning: the machine is good without it. A connection that somebody else made meanwhile stays his.
 */
export async function register({ info, wanted }: Outside, undo: Undo[], run: Run, note: (planned: readonly Undo[]) => Promise<unknown>): Promise<void> {
  for (const { plugin, registration } of wanted) {
    run.signal.throwIfAborted();
    const before = undo.find(({ title }) => title === registration.title);
    try {
      const after = registration.kind === "connection" ? await connectionUndo(registration, before, info, run) : (before ?? { title: registration.title, command: registration.undo.toRecord() });
      if (!after) continue;
      const planned = before ? undo.map((one) => (one === before ? after : one)) : [...undo, after];
      if (after !== before) await note(planned);
      step("init.registering");
      if (registration.kind === "connection") await connect(registration, before, info, run);
      else if (!before) await runCommand(registration.do, { signal: run.signal, trace: run.trace });
      undo.splice(0, undo.length, ...planned);
      step("init.registered");
    } catch (error) {
      run.signal.throwIfAborted();
      run.report.warn(`${plugin}: ${registration.title} was not made: ${messageOf(error)}`);
    }
  }
}

/** At a start: the ssh port, whose podman it is, and what could not be made before. */
export async function knownOutside(record: MachineRecord, spec: ResolvedSpec, run: Run): Promise<MachineRecord> {
  const undo = [...record.undo];
  await register(await planOutside(spec, recordedInfo(record, spec, run.paths), run), undo, run, (planned) => writeRecord(run.paths, { ...record, undo: planned }));
  if (spec.rootful !== record.spec.rootful) await followRootful(record, spec.rootful, run);
  return { ...record, undo };
}

/** How a connection is taken back; the one before where it is made already. Undefined where the name is somebody else's. */
async function connectionUndo({ title, name, ...registration }: ConnectionRegistration, before: Undo | undefined, info: MachineInfo, run: Run): Promise<Undo | undefined> {
  const book = bookOf(registration, run);
  if (before && "connection" in before && before.connection.path === book.path) return before;
  if (isTaken(name, (await readBook(book)).connections, info)) return undefined;
  return { title, connection: { ...book, name, identity: info.ssh.keyFile } };
}

/** Puts a connection into the file that the host's podman reads now, and out of the one that it read when the machine was made. */
async function connect(registration: ConnectionRegistration, before: Undo | undefined, info: MachineInfo, run: Run): Promise<void> {
  const { name, uri } = registration;
  const book = bookOf(registration, run);
  await editBook(book, (now) => adding(now, { [name]: { uri, identity: info.ssh.keyFile, isMachine: true } }), run);
  if (before && "connection" in before && before.connection.path !== book.path) await editBook(before.connection, (now) => removing(now, ours(now, [before]), heirs(run)), run);
}

/** How long a command may take that takes something back. */
const undoMs = 60_000;

/**
 * Takes back what was registered, last first; loads no plugin. What cannot be taken back is a warning. Nothing interrupts it: by now it
 * stands in no record any more, so nobody would come back to it.
 */
export async function unregister(undo: readonly Undo[], { paths, report, trace }: Pick<Run, "paths" | "report" | "trace">): Promise<void> {
  const run = { paths, report, trace, signal: new AbortController().signal };
  for (const one of [...undo].reverse()) {
    if ("connection" in one) continue;
    await warned(one.title, () => runCommand(one.command, { timeoutMs: undoMs, trace }), run);
  }
  // Both at once: the default must not move from one of a machine's connections to the other.
  for (const { book, titles } of booksIn(undo)) {
    await warned(titles.join(", "), () => editBook(book, (now) => removing(now, ours(now, undo), heirs(run)), run), run);
  }
}

/** Names of connections that are still those that we made: by their key. */
function ours({ connections }: ConnectionBook, undo: readonly Undo[]): readonly string[] {
  return undo.flatMap((one) => ("connection" in one && connections[one.connection.name]?.identity === one.connection.identity ? [one.connection.name] : []));
}

function bookOf({ format }: Pick<ConnectionRegistration, "format">, { paths }: Run): BookFile {
  return { format, path: format === "json" ? paths.podman.connections : paths.podman.ownConf };
}

/** A connection that an earlier machine of the name left behind has our key, and is ours. */
function isTaken(name: string, connections: ConnectionBook["connections"], { ssh }: MachineInfo): boolean {
  const there = connections[name];
  return there !== undefined && there.identity !== ssh.keyFile;
}

async function warned(title: string, work: () => Promise<unknown>, { report }: Pick<Run, "report">): Promise<void> {
  try {
    await work();
  } catch (error) {
    report.warn(`${title} was not undone: ${messageOf(error)}`);
  }
}
