import type { Report } from "../run.ts";

/** A report that the command line owns. */
export interface ConsoleReport extends Report {
  /** Takes live lines off the screen so that other text can follow; they come back by themselves. */
  clear(): void;
  /** Ends it: nothing of it stays that moves. */
  close(): void;
}
