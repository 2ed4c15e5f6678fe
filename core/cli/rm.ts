import { isMachineError, MachineError } from "../errors.ts";
import { filesOfKeptDisk } from "../kept-access.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import { statusOf } from "../lifecycle/status.ts";
import type { MachineRecord } from "../record.ts";
import type { Run } from "../run.ts";
import { listMachineFiles, readRecord } from "../store.ts";
import { readUnfinished } from "../unfinished.ts";
import { hidden, on } from "./flags.ts";
import { publish } from "./podman-events.ts";
import { isYes, readAnswer } from "./prompt.ts";
import { nameOf } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Removes every file of the machine and what was set up for it outside. Asks first. Its script is not loaded.",
  flags: {
    force: on("-f, --force", "Do not ask; stop the machine first where it runs"),
    saveImage: on("--save-image", "Keep the machine's disk, made whole by itself, and the key to its guest"),
    saveIgnition: on("--save-ignition", "Keep its first-boot config"),
    saveKeys: on("--save-keys", "Keep its ssh keys"),
    reexec: hidden(on("--reexec", "Ignored")),
  },
  several: { way: "last first", loadsScript: () => false },
  async run(call) {
    const { flags, globals, output, run, shell } = call;
    const name = await nameOf(call);
    const record = await recordOf(name, flags.force ?? false, run);
    const keep = keptFiles(name, flags, run);
    const doomed = [...listMachineFiles(run.paths, name).filter((path) => !keep.includes(path)), ...(record?.undo ?? []).map(({ title }) => title)];
    // What a killed verb left needs no leave: that was given before.
    if (!flags.force && record) {
      const ask = globals.json ? (text: string): void => void shell.stderr.write(text) : output.write;
      ask(`The following files will be deleted:\n\n\n${doomed.map((line) => `${line}\n`).join("")}\nAre you sure you want to continue? [y/N] `);
      const answer = await readAnswer(shell.stdin, shell.signal).catch((error: unknown) => {
        ask("\n");
        throw error;
      });
      if (!isYes(answer)) {
        if (globals.json) output.json({ Name: name, Removed: [] });
        return;
      }
    }
    const { remove } = await import("../lifecycle/remove.ts");
    await remove(name, run, { force: flags.force ?? false, keep });
    await publish("remove", name, run);
    if (globals.json) output.json({ Name: name, Removed: doomed });
  },
});

/** The record of a machine that may go; undefined for one that cannot be read, which only force removes, and for what a killed verb left. */
async function recordOf(name: string, force: boolean, run: Run): Promise<MachineRecord | undefined> {
  try {
    const record = readRecord(run.paths, name);
    if (!record && readUnfinished(run.paths, name)) return undefined;
    if (!record) throw noSuchMachine(name);
    if (!force && (await statusOf(record, run.paths)).state !== "stopped") {
      throw new MachineError("wrong-state", `running vm "${name}" cannot be destroyed`, { hint: `Stop it first with \`glowplug stop ${name}\`, or use --force.` });
    }
    return record;
  } catch (error) {
    if (force && isMachineError(error) && (error.code === "record" || error.code === "disk")) return undefined;
    throw error;
  }
}

interface Kept {
  readonly saveImage?: boolean | undefined;
  readonly saveIgnition?: boolean | undefined;
  readonly saveKeys?: boolean | undefined;
}

function keptFiles(name: string, { saveImage, saveIgnition, saveKeys }: Kept, { paths }: Run): readonly string[] {
  const files = paths.machine(name);
  const { ignition, nocloud, key, publicKey, hostKey } = files;
  return [...(saveImage ? filesOfKeptDisk(files) : []), ...(saveIgnition ? [ignition, nocloud] : []), ...(saveKeys ? [key, publicKey, hostKey] : [])];
}
