import { runLine } from "./command-line.ts";
import type { Shell, Subject } from "./verb.ts";
import { verbs } from "./verbs.ts";

/** Runs one command line. Resolves to the exit status; failures are printed, never thrown. */
export function dispatch(argv: readonly string[], shell: Shell, subject?: Subject): Promise<number> {
  return runLine(verbs, argv, shell, subject);
}
