import { toErrorRecord } from "../errors.ts";
import { folderOfProcess, hostOfProcess, pathsOfProcess, settingsOfProcess } from "../host.ts";
import type { HostFacts } from "../model.ts";
import type { Paths } from "../paths.ts";
import { watchSignals } from "./interrupt.ts";
import { errorText } from "./output.ts";
import { createPaint } from "./paint.ts";
import type { Shell } from "./verb.ts";

/** Runs this process's command line and ends the process with its status. What is wrong with the process itself is told as any failure is. */
export async function runProcess(dispatch: (argv: readonly string[], shell: Shell) => Promise<number>): Promise<never> {
  const { stdout, stderr } = process;
  // A closed stderr must not end a machine's start.
  stderr.on("error", () => {});
  // A umask that takes rights from their owner would lock us out of the folders that we make.
  process.umask(process.umask() & 0o077);
  const { signal, leaveFirst } = watchSignals((line) => void stderr.write(`${line}\n`));

  let host: HostFacts | undefined;
  let paths: Paths;
  let cwd: string;
  try {
    paths = pathsOfProcess();
    cwd = folderOfProcess();
  } catch (error) {
    stderr.write(errorText(toErrorRecord(error), createPaint(stderr, true)));
    process.exit(125);
  }

  const status = await dispatch(process.argv.slice(2), {
    stdout, stderr, signal, leaveFirst, cwd, paths, env: settingsOfProcess(),
    // Made when they are first asked for: the time zone alone costs `list` half of its time.
    get stdin() {
      return process.stdin;
    },
    hostFor: (trace) => (host ??= hostOfProcess(paths, trace)),
  });
  await new Promise((resolve) => stderr.write("", resolve));
  // Connections that a verb left open must not keep the process.
  process.exit(status);
}
