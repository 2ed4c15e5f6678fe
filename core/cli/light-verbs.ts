import execVerb from "./exec.ts";
import inspectVerb from "./inspect.ts";
import listVerb from "./list.ts";
import sshVerb from "./ssh.ts";
import { findVerb, type VerbEntry } from "./verb.ts";

/*
 * The verbs that scripts and prompts call again and again. They need little more than a record and the keeper's socket, so the
 * build puts them into one file with the program itself; every other verb loads the rest.
 */
export const ssh: VerbEntry = { name: "ssh", summary: "Open a shell in a machine, or run a shell line there", verb: sshVerb };
export const exec: VerbEntry = { name: "exec", summary: "Run a program in a machine, its arguments passed exactly", verb: execVerb };
export const list: VerbEntry = { name: "list", aliases: ["ls"], summary: "List machines", verb: listVerb };
export const inspect: VerbEntry = { name: "inspect", summary: "Show everything known about machines", verb: inspectVerb };

export const lightVerbs: readonly VerbEntry[] = [ssh, exec, list, inspect];

/** Whether a command line begins with one of these verbs, flags and all behind it. */
export function isLight([first = "", second = ""]: readonly string[]): boolean {
  return findVerb(lightVerbs, first === "machine" ? second : first) !== undefined;
}
