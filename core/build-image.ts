import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "./atomic.ts";
import type { Command } from "./command.ts";
import { MachineError } from "./errors.ts";
import { admitDisk } from "./image-admit.ts";
import { addImage, openIncoming } from "./image-add.ts";
import { findImage, type ImageOrigin, type StoredImage } from "./image-store.ts";
import type { BuildImage } from "./located-image.ts";
import { takeLock } from "./lock.ts";
import { writePlannedFiles } from "./planned-files.ts";
import { runCommand } from "./process.ts";
import type { PhaseReport, Run } from "./run.ts";

type Built = { readonly image: StoredImage; readonly origin: ImageOrigin };

/** A build that another process makes is waited for this long: a slow mirror and a slow disk together take no hour. */
const otherBuildMs = 2 * 3_600_000;
const commandMs = 3_600_000;

/**
 * A disk that is built on this host: once for each key, whoever asks. Where another process is at it, its result is waited for.
 * Throws MachineError "missing-program" before it begins, and "build-failed" with the end of the output and the place of all of it.
 */
export async function obtainBuilt(located: BuildImage, run: Run): Promise<Built> {
  const { store } = run.paths;
  const name = fileNameOf(located.key);
  const known = await findBuilt(store, located);
  if (known) return known;
  checkPrograms(located, run);
  const phase = run.report.phase(`Building ${located.title}`);
  try {
    const lock = await takeLock(join(store, "locks", `build-${name}`), {
      purpose: "building it", subject: located.title, signal: run.signal, timeoutMs: otherBuildMs, onWait: (holder) => phase.note(`waiting for ${holder}`),
    });
    try {
      const built = (await findBuilt(store, located)) ?? (await build(located, name, phase, run));
      phase.done();
      return built;
    } finally {
      lock.release();
    }
  } catch (error) {
    phase.fail();
    throw error;
  }
}

async function build(located: BuildImage, name: string, phase: PhaseReport, run: Run): Promise<Built> {
  const { store, cache } = run.paths;
  const incoming = await openIncoming(store);
  try {
    const output = join(incoming.folder, `built.${located.format}`);
    const scratch = join(incoming.folder, "scratch");
    mkdirSync(scratch, { mode: 0o700 });
    const steps = located.steps({ scratch, output });
    await writePlannedFiles(steps.files);
    const log = join(cache, "builds", `${name}.log`);
    makePrivateFolder(join(cache, "builds"));
    await runSteps(steps.commands, log, phase, run);
    if (!existsSync(output)) throw new MachineError("build-failed", `${located.title}: the build ended well but left no disk`, { hint: `Its output is in ${log}.` });
    const disk = await admitDisk({ path: output, format: located.format, shown: located.title }, run);
    const origin: ImageOrigin = {
      kind: "build", key: located.key, title: located.title, ...(located.release !== undefined && { release: located.release }),
      verified: [{ what: "build", by: located.key }],
    };
    const image = await addImage(store, disk, origin);
    return { image, origin };
  } finally {
    incoming.remove();
  }
}

/** All output goes into the log. A line that begins with the command's name and a colon tells what the build is at. */
async function runSteps(commands: readonly Command[], log: string, phase: PhaseReport, run: Run): Promise<void> {
  const file = openSync(log, "w", 0o600);
  try {
    for (const command of commands) {
      writeSync(file, `$ ${command.toString()}\n`);
      const onLine = (line: string): void => {
        writeSync(file, `${line}\n`);
        if (line.startsWith(`${command.name}: `)) phase.note(line.slice(command.name.length + 2));
      };
      await runCommand(command, { signal: run.signal, trace: run.trace, timeoutMs: commandMs, onLine, code: "build-failed", hint: `The whole output is in ${log}.` });
    }
  } finally {
    closeSync(file);
  }
}

function findBuilt(store: string, { key }: BuildImage): Promise<Built | undefined> {
  return findImage(store, (origin) => origin.kind === "build" && origin.key === key);
}

/** A key becomes a file's name; one that is no good name is hashed. */
function fileNameOf(key: string): string {
  return /^[A-Za-z0-9][\w.-]{0,99}$/.test(key) ? key : createHash("sha256").update(key).digest("hex");
}

function checkPrograms({ needs, title }: BuildImage, run: Run): void {
  const missing = needs.filter((program) => run.host.find(program) === undefined);
  if (missing.length === 0) return;
  throw new MachineError("missing-program", `building ${title} needs ${missing.join(", ")}, not found on this host`, { hint: "Install them with the system's package manager." });
}
