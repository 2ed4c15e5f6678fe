import type { Verb } from "./verb.ts";

/** What is known of a verb before its file is loaded. */
export interface VerbEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  load(): Promise<{ readonly default: Verb }>;
}

/** Every verb, in help's order. Files are loaded when asked for: `list` must not wait for what `start` needs. */
export const verbs: readonly VerbEntry[] = [
  { name: "init", summary: "Make a machine", load: () => import("./init.ts") },
  { name: "start", summary: "Start a machine", load: () => import("./start.ts") },
  { name: "stop", summary: "Stop a machine", load: () => import("./stop.ts") },
  { name: "restart", summary: "Stop a machine and start it again", load: () => import("./restart.ts") },
  { name: "up", summary: "Make a machine if it is missing, start it if it is stopped", load: () => import("./up.ts") },
  { name: "rm", aliases: ["remove"], summary: "Remove a machine", load: () => import("./rm.ts") },
  { name: "ssh", summary: "Open a shell in a machine, or run a shell line there", load: () => import("./ssh.ts") },
  { name: "exec", summary: "Run a program in a machine, its arguments passed exactly", load: () => import("./exec.ts") },
  { name: "list", aliases: ["ls"], summary: "List machines", load: () => import("./list.ts") },
  { name: "inspect", summary: "Show everything known about machines", load: () => import("./inspect.ts") },
  { name: "logs", summary: "Show what a machine and its parts wrote", load: () => import("./logs.ts") },
  { name: "plan", summary: "Show what a start would do, without doing it", load: () => import("./plan.ts") },
  { name: "ssh-config", summary: "Print an ssh config for a machine", load: () => import("./ssh-config.ts") },
  { name: "run", summary: "Run a script, or a verb on the machine it describes", load: () => import("./run.ts") },
  { name: "version", summary: "Print the version", load: () => import("./version.ts") },
  { name: "help", summary: "Help about a verb", load: () => import("./help.ts") },
];

/** The verb of a name or an alias. */
export function findVerb(word: string): VerbEntry | undefined {
  return verbs.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
}
