import { dispatch } from "./dispatch.ts";
import { watchSignals } from "./interrupt.ts";

/** The program: `glowplug VERB ...`. Loads little by itself; each verb brings what it needs. */
const { stdin, stdout, stderr } = process;
// A closed stderr must not end a machine's start.
stderr.on("error", () => {});
const { signal, leaveFirst } = watchSignals((line) => void stderr.write(`\n${line}\n`));

const status = await dispatch(process.argv.slice(2), {
  stdin, stdout, stderr, signal, leaveFirst, cwd: process.cwd(),
  facts: async () => {
    const { hostOfProcess, pathsOfProcess, settingsOfProcess } = await import("../host.ts");
    const paths = pathsOfProcess();
    return { host: hostOfProcess(paths), paths, env: settingsOfProcess() };
  },
});
await new Promise((resolve) => stderr.write("", resolve));
// Connections that a verb left open must not keep the process.
process.exit(status);
