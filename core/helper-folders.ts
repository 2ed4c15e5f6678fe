import { isAbsolute } from "node:path";
import { readConfs } from "./containers-conf.ts";
import type { PodmanPaths } from "./podman-paths.ts";
import { statementsOf } from "./toml/statements.ts";

/**
 * Folders of helper programs that `helper_binaries_dir` in podman's containers.conf names: those of the last file that has it, and
 * with `{append=true}` among them those before as well. Read without a parser, since every verb that looks for a program asks, and at
 * once; a file that is no TOML is told by whoever reads the rest of it. Entries with $BINDIR lie beside podman's own program, and are
 * left out, as are files that cannot be read.
 */
export function helperFoldersOf(podman: Pick<PodmanPaths, "confs">): readonly string[] {
  return readable(podman).reduce<readonly string[]>((folders, text) => {
    const value = statementsOf(text).findLast(({ kind, path }) => kind === "pair" && path.join(".") === "engine.helper_binaries_dir")?.value;
    if (!value) return folders;
    const list = text.slice(value.start, value.end);
    const own = stringsIn(list).filter(isAbsolute);
    return /\{\s*append\s*=\s*true\s*\}/.test(list) ? [...folders, ...own] : own;
  }, []);
}

function readable({ confs }: Pick<PodmanPaths, "confs">): readonly string[] {
  return confs.flatMap((path) => {
    try {
      return readConfs({ confs: [path], namedConfs: [] }).map(({ text }) => text);
    } catch {
      return [];
    }
  });
}

/** The strings of a list, but not of comments in it. */
function stringsIn(list: string): readonly string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|#[^\n]*/g)].flatMap(([, basic, literal]) => basic ?? literal ?? []);
}
