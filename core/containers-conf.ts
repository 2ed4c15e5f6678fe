import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, diskError } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import type { PodmanPaths } from "./podman-paths.ts";

/** A containers.conf that is there. */
export interface ConfFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Every containers.conf of podman's that is there, in the order in which they are read; later ones win. Throws MachineError
 * "not-found" for one that the environment names and that is not there, "disk" for one that cannot be read.
 */
export function readConfs({ confs, namedConfs }: Pick<PodmanPaths, "confs" | "namedConfs">): readonly ConfFile[] {
  return confs.flatMap((path) => (path.endsWith(".conf.d") ? filesIn(path) : [path])).flatMap((path) => {
    try {
      return [{ path, text: readFileSync(path, "utf8") }];
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT" && codeOf(cause) !== "ENOTDIR") throw diskError(`${path} could not be read`, cause);
      if (!namedConfs.includes(path)) return [];
      throw new MachineError("not-found", `there is no ${path}, which CONTAINERS_CONF or CONTAINERS_CONF_OVERRIDE names`, { cause, hint: "Correct the variable, or take it away." });
    }
  });
}

/** A folder's files by name, none of folders within it. */
function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".conf")).sort().map((name) => join(folder, name)).filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT" || codeOf(cause) === "ENOTDIR") return [];
    throw diskError(`${folder} could not be read`, cause);
  }
}
