import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { diskError } from "./atomic.ts";
import { Command } from "./command.ts";
import { readDiskHeader } from "./disk-header.ts";
import { MachineError } from "./errors.ts";
import type { NewImage } from "./image-add.ts";
import type { SourceFormat } from "./model.ts";
import { runCommand, runProgram } from "./process.ts";
import { findQemuImg } from "./qemu-img.ts";
import type { Run } from "./run.ts";
import { hashFile } from "./sparse-copy.ts";
import { step } from "./step.ts";

/** A disk that has arrived in an incoming folder. */
export interface ArrivedDisk {
  readonly path: string;
  /** Default: told by its first bytes. */
  readonly format?: SourceFormat | undefined;
  /** Where already known. */
  readonly sha256?: string;
  /** What the user knows it by, for messages. */
  readonly shown: string;
}

/**
 * Lets a disk into the store: it must be whole and stand by itself; formats that no launcher boots become qcow2.
 * Throws MachineError "bad-image" otherwise, "missing-program" when it has to be converted and nothing can.
 */
export async function admitDisk(arrived: ArrivedDisk, run: Run): Promise<NewImage> {
  step("image.arrived");
  const { format } = await readDiskHeader(arrived.path, arrived.format).catch((error: unknown) => {
    throw renamed(error, arrived);
  });
  if (format === "qcow2") await checkWhole(arrived, run);
  if (format === "qcow2" || format === "raw") return describe(arrived.path, format, arrived.sha256, run);
  const converted = join(dirname(arrived.path), "converted");
  const convert = new Command(findQemuImg(run.host, `turn the ${format} disk ${arrived.shown} into qcow2`)).add("convert")
    .add("-f", format).add("-O", "qcow2").add(arrived.path).add(converted);
  convert.env = { LC_ALL: "C" }; // what it says is looked at
  rmSync(converted, { force: true });
  await runCommand(convert, { signal: run.signal, trace: run.trace, code: "bad-image", title: arrived.shown }).catch((error: unknown) => {
    throw error instanceof MachineError && /No space left/.test(error.message) ? diskError(`${arrived.shown} could not be turned into qcow2`, { code: "ENOSPC" }) : error;
  });
  return describe(converted, "qcow2", undefined, run);
}

async function describe(path: string, format: "qcow2" | "raw", sha256: string | undefined, run: Run): Promise<NewImage> {
  const { virtualSize = 0 } = await readDiskHeader(path, format);
  return { id: sha256 ?? (await hashFile(path, { signal: run.signal })), format, virtualSize, path };
}

/** A qcow2 disk that was cut off has clusters beyond its end, which qemu-img finds from its tables alone. Leaked clusters (3) do no harm. */
async function checkWhole({ path, shown }: ArrivedDisk, run: Run): Promise<void> {
  const qemuImg = run.host.find("qemu-img");
  if (qemuImg === undefined) return;
  const { exitCode, stderr } = await runProgram(qemuImg, ["check", "-q", "-f", "qcow2", path], { signal: run.signal, trace: run.trace, timeoutMs: 300_000 });
  if (exitCode === 0 || exitCode === 3 || exitCode === 63) return; // 63: this version cannot check it
  const details = stderr.trim().split("\n");
  throw new MachineError("bad-image", `${shown} is a damaged qcow2 disk; was it cut off?`, { hint: "Fetch or copy it again.", details: details.slice(0, 5) });
}

/** The same error with the path that the user knows. */
function renamed(error: unknown, { path, shown }: ArrivedDisk): unknown {
  if (!(error instanceof MachineError)) return error;
  return new MachineError(error.code, error.message.replaceAll(path, shown), { hint: error.hint?.replaceAll(path, shown), cause: error });
}
