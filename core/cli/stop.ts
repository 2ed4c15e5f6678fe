import { existsSync } from "node:fs";
import { isMachineError } from "../errors.ts";
import { noSuchMachine } from "../lifecycle/missing.ts";
import type { Machine } from "../machine.ts";
import { checkRecordName } from "../store.ts";
import { duration, on } from "./flags.ts";
import { publish } from "./podman-events.ts";
import { isScriptPath } from "./script-path.ts";
import { nameOf, openExisting, sourceFlags } from "./subject.ts";
import { defineVerb, type Call } from "./verb.ts";

export const stopFlags = {
  force: on("-f, --force", "Neither load the script nor ask the guest: end the VM"),
  timeout: duration("-t, --timeout <time>", "How long the guest may take to power off (default: 90s)"),
} as const;
const flags = { ...stopFlags, ...sourceFlags };

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Asks the guest to power off, waits, then insists. Stopping a stopped machine is fine.",
  flags,
  several: { way: "at once", loadsScript: ({ force }) => force !== true },
  async run(call) {
    const { globals, output } = call;
    const name = call.flags.force ? await endAtOnce(call) : await askToStop(call);
    await publish("stop", name, call.run);
    if (globals.json) output.json({ Name: name, State: "stopped" });
    else output.line(`Machine "${name}" stopped successfully`);
  },
});

async function askToStop(call: Call<typeof flags>): Promise<string> {
  const { flags: { timeout }, globals, output } = call;
  const options = timeout === undefined ? {} : { timeoutMs: timeout };
  try {
    const machine = await openForgiving(call);
    if (!globals.quiet && !globals.json && ["running", "orphaned"].includes((await machine.status()).state)) output.line("Waiting for VM to exit...");
    await machine.stop(options);
    return machine.name;
  } catch (error) {
    const [word] = call.words;
    if (!isMachineError(error) || error.code !== "record" || word === undefined || isScriptPath(word)) throw error;
    call.run.report.warn(`${error.message}; it is stopped without its hooks`);
    await (await import("../lifecycle/stop.ts")).bringDown(word, call.run, options);
    return word;
  }
}

/** A machine that is named is opened by its record: its script is loaded for its hooks alone, and one that is broken costs no more than those. */
async function openForgiving(call: Call<typeof flags>): Promise<Machine> {
  const { words: [word], flags: { script, config }, run } = call;
  if (word === undefined || isScriptPath(word) || script !== undefined || config !== undefined) return openExisting(call, call.flags);
  const { openRecorded } = await import("../open.ts");
  return openRecorded(word, run);
}

/** Needs no record: one that cannot be read must not keep its machine running. */
async function endAtOnce(call: Call<typeof flags>): Promise<string> {
  const { bringDown } = await import("../lifecycle/stop.ts");
  const name = await nameOf(call);
  checkRecordName(name);
  if (!existsSync(call.run.paths.machine(name).record)) throw noSuchMachine(name);
  await bringDown(name, call.run, { force: true });
  return name;
}
