import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { doubtOf, doubtOfFolder } from "./trust.ts";
import { messageOf } from "./errors.ts";
import { checkWay } from "./safe-way.ts";

/** Programs that set-up unpacked into a folder of ours. They are found before the system's, so nobody else may have put them there. */
export interface UnpackedTools {
  /** Folders that are searched. */
  readonly folders: readonly string[];
  /** Those that are passed by, and why. */
  readonly refused: readonly { readonly path: string; readonly doubt: string }[];
}

/** Looks at tools/NAME/usr/bin and the like: each folder on the way belongs to the user or root, and is nobody else's to write to. */
export function unpackedTools(tools: string, uid: number): UnpackedTools {
  if (!isFolder(tools)) return { folders: [], refused: [] };
  const doubt = doubtOfWay(tools, uid) ?? folderDoubt(tools, uid);
  if (doubt !== undefined) return { folders: [], refused: [{ path: tools, doubt }] };
  const folders: string[] = [];
  const refused: { path: string; doubt: string }[] = [];
  for (const name of readdirSync(tools).sort()) {
    for (const way of [["usr", "bin"], ["usr", "libexec"], ["usr", "libexec", "podman"], ["bin"]]) {
      const chain = way.map((_, index) => join(tools, name, ...way.slice(0, index + 1)));
      const last = chain.at(-1) ?? tools;
      if (!isFolder(last)) continue;
      const doubtful = [join(tools, name), ...chain].flatMap((path) => folderDoubt(path, uid) ?? []).at(0);
      if (doubtful === undefined) folders.push(last);
      else refused.push({ path: last, doubt: doubtful });
    }
  }
  return { folders, refused };
}

/** Whether a program that was found there may be run: nobody else can have written it. */
export function isTrustedTool(path: string, uid: number): boolean {
  return doubtOf(path, uid) === undefined;
}

function folderDoubt(path: string, uid: number): string | undefined {
  const doubt = doubtOfFolder(path, uid);
  return doubt === undefined ? undefined : `${path} ${doubt}`;
}

function doubtOfWay(path: string, uid: number): string | undefined {
  try {
    checkWay(path, uid);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
