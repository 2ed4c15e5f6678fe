import { hostOfProcess, pathsOfProcess, settingsOfProcess } from "../host.ts";
import type { HostFacts } from "../model.ts";
import { dispatch } from "./dispatch.ts";
import { watchSignals } from "./interrupt.ts";

/** The program: `glowplug VERB ...`. Loads little by itself; each verb brings what it needs. */
const { stdin, stdout, stderr } = process;
// A closed stderr must not end a machine's start.
stderr.on("error", () => {});
const { signal, leaveFirst } = watchSignals((line) => void stderr.write(`${line}\n`));

const paths = pathsOfProcess();
let host: HostFacts | undefined;

const status = await dispatch(process.argv.slice(2), {
  stdin, stdout, stderr, signal, leaveFirst, cwd: process.cwd(), paths, env: settingsOfProcess(),
  // Read by the verbs that need it: the time zone alone costs `list` half of its time.
  get host() {
    return (host ??= hostOfProcess(paths));
  },
});
await new Promise((resolve) => stderr.write("", resolve));
// Connections that a verb left open must not keep the process.
process.exit(status);
