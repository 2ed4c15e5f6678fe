import { accessSync, constants, lstatSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../command.ts";
import { socketPathLimit } from "../paths.ts";
import { unpackedTools } from "../unpacked-tools.ts";
import type { Finding, HostCheck } from "./finding.ts";

/** Our folders: ours, for us alone, and writable. A socket's path must fit. */
export const foldersCheck: HostCheck = {
  title: "folders",
  look({ run: { paths }, host }) {
    const named = [["data", paths.data], ["runtime", paths.runtime], ["configuration", paths.config], ["cache", paths.cache]] as const;
    return { findings: [...named.flatMap(([what, path]) => problemsOf(what, path, host.uid)), ...toolsInDoubt(paths.tools, host.uid), ...shortEnough(paths.runtime)] };
  },
};

function problemsOf(what: string, path: string, uid: number): Finding[] {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return [];
  if (!facts.isDirectory()) {
    return [{ id: "folder-is-none", level: "broken", what: `the ${what} folder ${path} is ${facts.isSymbolicLink() ? "a link" : "no folder"}`, fix: `mv ${path} ${path}.old` }];
  }
  if (facts.uid !== uid) return [{ id: "folder-foreign", level: "broken", what: `the ${what} folder ${path} belongs to another user (${facts.uid})`, fix: `sudo chown -R ${uid} ${path}` }];
  const others = facts.mode & 0o077;
  const open: Finding[] = others === 0 ? [] : [{
    id: "folder-open", level: others & 0o022 ? "broken" : "warning", what: `the ${what} folder ${path} can be ${others & 0o022 ? "written" : "read"} by other users`, fix: `chmod 700 ${path}`,
  }];
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return open;
  } catch {
    return [...open, { id: "folder-unwritable", level: "broken", what: `nothing can be written into the ${what} folder ${path}`, fix: `chmod 700 ${path}` }];
  }
}

/** Programs of set-up's that others may have put there are not run. Nobody knows what they are by now, so they are not to be made the user's, but to go. */
function toolsInDoubt(tools: string, uid: number): Finding[] {
  const { refused: [first] } = unpackedTools(tools, uid);
  if (!first) return [];
  return [{ id: "tools-in-doubt", level: "warning", what: `programs in ${first.path} are not run, since others may have put them there: ${first.doubt}; set-up can unpack them anew (node setup.mjs tools)`, fix: `rm -r ${quote(tools)}` }];
}

/** The longest socket of a machine with a name of a usual length. */
function shortEnough(runtime: string): Finding[] {
  const longest = join(runtime, "a-name-of-16-char/net/api.sock");
  const length = Buffer.byteLength(longest);
  if (length <= socketPathLimit) return [];
  return [{ id: "runtime-path-long", level: "broken", what: `sockets below ${runtime} would have paths of ${length} bytes, and ${socketPathLimit} is the most`, fix: "Set XDG_RUNTIME_DIR to a folder with a shorter path" }];
}
