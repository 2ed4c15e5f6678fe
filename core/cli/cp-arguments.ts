import { MachineError } from "../errors.ts";

/** A copy between this host and a machine. */
export interface CopyOrder {
  /** Into the machine or out of it. */
  readonly direction: "in" | "out";
  /** The machine; undefined where a script's is meant, as in ":path". */
  readonly name: string | undefined;
  readonly hostPath: string;
  readonly guestPath: string;
}

/**
 * Reads SOURCE and DESTINATION as podman does (its pkg/copy/parse.go): what stands before the first colon is a machine, but a
 * path that begins with a dot or a slash is never one's. Throws MachineError "usage", in podman's words.
 */
export function parseCopy(source: string, destination: string): CopyOrder {
  const [from, to] = [readSide(source), readSide(destination)];
  if (from.path === "" || to.path === "") throw new MachineError("usage", `invalid arguments ${JSON.stringify(source)}, ${JSON.stringify(destination)}: you must specify paths`);
  if ("machine" in from && "machine" in to) {
    throw new MachineError("usage", "copying between two machines is unsupported", { hint: "Copy to this host first." });
  }
  if ("machine" in from) return { direction: "out", name: from.machine || undefined, hostPath: to.path, guestPath: withoutHome(from.path) };
  if ("machine" in to) return { direction: "in", name: to.machine || undefined, hostPath: from.path, guestPath: withoutHome(to.path) };
  throw new MachineError("usage", "a machine name must prefix either the source path or destination path", { hint: "Such as: glowplug cp ./file NAME:/tmp" });
}

function readSide(word: string): { readonly path: string } | { readonly machine: string; readonly path: string } {
  const colon = word.indexOf(":");
  if (colon < 0 || /^[./]/.test(word)) return { path: word };
  return { machine: word.slice(0, colon), path: word.slice(colon + 1) };
}

/** The guest takes a relative path from the user's home. */
function withoutHome(path: string): string {
  return path === "~" || path === "~/" ? "." : path.replace(/^~\/+/, "");
}
