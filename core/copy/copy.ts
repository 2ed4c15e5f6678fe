import { posix } from "node:path";
import { MachineError } from "../errors.ts";
import { limitWait } from "../limit.ts";
import { step } from "../step.ts";
import { findEnds } from "./destination.ts";
import type { FileInfo, FileTree } from "./tree.ts";

export interface CopyJob {
  readonly from: FileTree;
  readonly source: string;
  readonly to: FileTree;
  readonly destination: string;
  /** Copies the bytes of one file; `step` hears how many of them are there. */
  transfer(source: string, target: string, mode: number, step: (done: number) => void): Promise<void>;
  readonly signal: AbortSignal;
  progress(done: number, total: number): void;
  warn(line: string): void;
}

/** What was copied. */
export interface Copied {
  readonly files: number;
  readonly bytes: number;
}

/** Files under way at once: enough to hide the way to the guest and back. */
const width = 8;

interface Step {
  readonly source: string;
  readonly target: string;
  readonly info: FileInfo;
  /** Whether something may be there already: not in a folder that this copy made. */
  readonly fresh: boolean;
}

/**
 * Copies a file, or a folder and all in it, with modes and times. Links in a folder are copied as links; sockets and the like are
 * left out with a warning. A file that was begun and not finished is removed. Throws MachineError "not-found" and "conflict" before
 * anything is written, the trees' own errors, and the signal's reason when it aborts.
 */
export async function copyTree(job: CopyJob): Promise<Copied> {
  const { from, to, source, destination, signal } = job;
  const { source: info, target, present } = await findEnds(from, source, to, destination);
  const steps = info.kind === "folder" ? await walk(job, { source, target, info, fresh: !present }) : [{ source, target, info, fresh: !present }];
  const files = steps.filter((step) => step.info.kind === "file");
  const total = files.reduce((sum, step) => sum + step.info.size, 0);
  let done = 0;
  job.progress(done, total);

  const folders = steps.filter((step) => step.info.kind === "folder");
  for (const folder of folders) await makeFolder(to, folder, signal);
  for (const link of steps.filter((step) => step.info.kind === "link")) await copyLink(job, link);
  await eachOf(files, signal, (file, over) => {
    let before = 0;
    return copyFile(job, file, over, (bytes) => {
      done += bytes - before;
      before = bytes;
      job.progress(done, total);
    });
  });
  // Last and from the inside out: what is written into a folder changes its time, and may be forbidden by its mode. One that was there keeps its own.
  for (const folder of folders.reverse()) if (folder.fresh) await finish(to, folder);
  return { files: files.length, bytes: total };
}

/** Everything below a folder, each folder before what lies in it. */
async function walk(job: CopyJob, folder: Step): Promise<readonly Step[]> {
  job.signal.throwIfAborted();
  const steps: Step[] = [folder];
  const seen = new Set<string>();
  for (const { name, ...info } of await job.from.list(folder.source)) {
    // A folder that has a name twice could first place a link, and then write through it to anywhere.
    if (seen.has(name)) throw new MachineError("conflict", `${folder.source} on ${job.from.place} has ${JSON.stringify(name)} twice`);
    seen.add(name);
    const target = posix.join(folder.target, name);
    const fresh = folder.fresh || (await job.to.findLink(target)) === undefined;
    const step = { source: posix.join(folder.source, name), target, info, fresh };
    if (info.kind === "other") job.warn(`${step.source} is left out: it is neither a file, a folder nor a link`);
    else if (info.kind === "folder") steps.push(...(await walk(job, step)));
    else steps.push(step);
  }
  return steps;
}

async function makeFolder(to: FileTree, { source, target, fresh }: Step, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (fresh) return to.makeFolder(target);
  if ((await to.find(target))?.kind !== "folder") throw new MachineError("conflict", `${target} on ${to.place} is no folder, and ${source} is one`);
}

async function copyLink({ from, to, signal }: CopyJob, { source, target, fresh }: Step): Promise<void> {
  signal.throwIfAborted();
  if (!fresh) {
    if ((await to.findLink(target))?.kind === "folder") throw new MachineError("conflict", `${target} on ${to.place} is a folder, and ${source} is a link`);
    await to.remove(target);
  }
  await to.makeLink(await from.readLink(source), target);
}

async function copyFile({ to, transfer }: CopyJob, file: Step, over: AbortSignal, tell: (bytes: number) => void): Promise<void> {
  const { source, target, info, fresh } = file;
  if (!fresh && (await to.find(target))?.kind === "folder") throw new MachineError("conflict", `${target} on ${to.place} is a folder, and ${source} is a file`);
  try {
    if (fresh) await to.makeFile(target);
    step("cp.begun");
    await unlessAborted(transfer(source, target, permissions(info), tell), over);
  } catch (error) {
    if (fresh) await to.remove(target).catch(() => {});
    throw error;
  }
  tell(info.size);
  await finish(to, file);
  step("cp.file");
}

async function finish(to: FileTree, { target, info }: Step): Promise<void> {
  await to.setMode(target, permissions(info));
  await to.setModified(target, info.modified);
}

/** Without set-uid and the like: the owner is another one, and so is who would gain by them. */
function permissions({ mode }: FileInfo): number {
  return mode & 0o777;
}

/** The same work, given up on when the signal aborts. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = limitWait({ signal }, () => reject(signal.reason));
    work.then(resolve, reject).finally(off);
  });
}

/** Works on a few at once; the first failure ends all, and is thrown when all have cleared away what they had begun. */
async function eachOf<T>(items: readonly T[], signal: AbortSignal, work: (item: T, over: AbortSignal) => Promise<void>): Promise<void> {
  const failed = new AbortController();
  const over = AbortSignal.any([signal, failed.signal]);
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (over.aborted) return;
      await work(item, over).catch((error: unknown) => failed.abort(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}
