import { statSync, watch } from "node:fs";
import { basename } from "node:path";
import { makePrivateFolder } from "../atomic.ts";
import { readLog } from "../keeper/bounded-log.ts";
import { eventReader, parseEvents } from "../keeper/event-reader.ts";
import type { MachineEvent } from "../keeper/protocol.ts";
import type { Paths } from "../paths.ts";
import { followLog } from "./log-file.ts";

/** Which machines, and what to do with each event. */
export interface EventOptions {
  readonly paths: Paths;
  /** Only this machine. Default: all, those included that come while it is watched. */
  readonly name?: string | undefined;
  take(event: MachineEvent): void;
}

/** Machines by name, each with how long its event file was when it was read. */
export type EventPositions = ReadonlyMap<string, number>;

/** Events that are on disk, oldest first over all machines; `since` leaves out earlier ones. Returns where following goes on. */
export async function pastEvents(names: readonly string[], since: Date | undefined, { paths, take }: EventOptions): Promise<EventPositions> {
  const logs = await Promise.all(names.map(async (name) => ({ name, log: await readLog(paths.machine(name).log("events")) })));
  const events = logs.flatMap(({ log }) => parseEvents(log?.text ?? "")).filter(({ time }) => !since || new Date(time) >= since);
  for (const event of events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))) take(event);
  return new Map(logs.map(({ name, log }) => [name, log?.size ?? 0]));
}

/**
 * Hands over events as they come, until the signal aborts. They are read from the files that keepers write, so that none is lost
 * between the moment a machine comes up and the moment it is noticed, and that a keeper's end is no end of the stream.
 */
export async function followEvents(from: EventPositions, { paths, name: only, take }: EventOptions, signal: AbortSignal): Promise<void> {
  const followed = new Map<string, { readonly folder: number; readonly stop: AbortController }>();
  const running = new Set<Promise<void>>();
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  /** Begins with a machine that has come, ends with one that is gone. One of the same name that was made anew has another folder. */
  const look = (name: string, at: number): void => {
    const folder = statSync(paths.machine(name).data, { throwIfNoEntry: false });
    const before = followed.get(name);
    if (before?.folder === folder?.ino || (only !== undefined && name !== only)) return;
    before?.stop.abort();
    followed.delete(name);
    if (!folder?.isDirectory()) return;
    const stop = new AbortController();
    followed.set(name, { folder: folder.ino, stop });
    const done = followLog(paths.machine(name).log("events"), at, eventReader(take), AbortSignal.any([stop.signal, ended])).catch((error: unknown) => failed.abort(error));
    running.add(done);
    void done.then(() => running.delete(done));
  };
  makePrivateFolder(paths.machines);
  const watcher = watch(paths.machines, (_event, name) => {
    if (name !== null && !basename(name).startsWith(".")) look(name, 0);
  });
  watcher.on("error", (error) => failed.abort(error));
  try {
    for (const [name, size] of from) look(name, size);
    if (!ended.aborted) await new Promise((resolve) => ended.addEventListener("abort", resolve, { once: true }));
    await Promise.all(running);
    if (failed.signal.aborted) throw failed.signal.reason;
  } finally {
    watcher.close();
  }
}
