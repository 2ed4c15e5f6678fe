import { MachineError } from "../errors.ts";
import { checkName, checkNotReserved, namePattern, patternWords } from "../spec/name.ts";
import { connectionFlag } from "./default-connection.ts";
import { on } from "./flags.ts";
import { printMachine } from "./inspect-view.ts";
import { inOwnWords, podmanFlags, withoutTlsVerify } from "./podman-flags.ts";
import { publish } from "./podman-events.ts";
import { isNoPath, isScriptPath } from "./script-path.ts";
import { specFlags, specOf } from "./spec-flags.ts";
import { openDescribed, sourceFlags } from "./subject.ts";
import { defineVerb } from "./verb.ts";

export default defineVerb({
  usage: "[NAME|SCRIPT [NAME...]]",
  description: "Locates, fetches and verifies the image, makes the disk and the first-boot config. Nothing runs.",
  examples: ["glowplug init", "glowplug init --cpus 4 --memory 4096 --now web", "glowplug init ./machine.ts"],
  flags: { ...specFlags, ...podmanFlags, ...sourceFlags, now: on("--now", "Start the machine afterwards"), updateConnection: connectionFlag },
  several: { way: "in order", loadsScript: () => true },
  async run(call) {
    const { flags, globals, output, run, words: [word] } = call;
    // podman's order: the name, the provider, names of its own, the user; then whether the machine is there; then what it asks of the host.
    if (word !== undefined && (!isScriptPath(word) || isNoPath(word, run.cwd))) checkName(word);
    const own = inOwnWords(flags, run);
    if (word !== undefined) checkNotReserved(word);
    checkUser(flags.username);
    const machine = await openDescribed(call, flags, { spec: specOf({ ...flags, ...own }, run), isNew: true, ...(flags.tlsVerify === false && { overImage: withoutTlsVerify }) });
    await machine.init();
    await publish("init", machine.name, run);
    if (!globals.json) output.line("Machine init complete");
    if (flags.now) return await call.dispatch(["start", machine.name, ...(flags.updateConnection === undefined ? [] : [`--update-connection=${flags.updateConnection}`])]);
    if (globals.json) return printMachine(await machine.status(), call);
    if (!globals.quiet) output.write(`To start your machine run:\n\n\tglowplug start${machine.name === "default" ? "" : ` ${machine.name}`}\n\n`);
  },
});

/** podman's words. */
function checkUser(name: string | undefined): void {
  if (name === undefined || namePattern.test(name)) return;
  throw new MachineError("bad-spec", `invalid username ${JSON.stringify(name)}: ${patternWords}`, { hint: "Use letters, digits, `_`, `.` and `-`; the first is a letter or a digit." });
}
