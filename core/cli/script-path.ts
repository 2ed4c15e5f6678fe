import { existsSync } from "node:fs";
import { resolve } from "node:path";

const endings = /\.(?:[cm]?[jt]s|ya?ml|json)$/;

/** Whether a word names a script or config file: it has a slash or such an ending. Anything else is a machine's name. */
export function isScriptPath(word: string): boolean {
  return word.includes("/") || endings.test(word);
}

/** Whether a word with a slash is the path of nothing that is there, and has no script's ending either: a name that nobody can have. */
export function isNoPath(word: string, cwd: string): boolean {
  return !endings.test(word) && !existsSync(resolve(cwd, word));
}
