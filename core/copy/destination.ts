import { posix } from "node:path";
import { MachineError } from "../errors.ts";
import type { FileInfo, FileTree } from "./tree.ts";

/** Where a copy begins and ends. */
export interface CopyEnds {
  readonly source: FileInfo;
  /** What the source becomes. */
  readonly target: string;
  /** What is there already. */
  readonly present: FileInfo | undefined;
}

/**
 * The rules of cp -r and scp -r: into a folder that is there, else under the destination's own name, whose folder must be there.
 * A source that ends in "/." means what lies in that folder. A link that is named is followed.
 * Throws MachineError "not-found" and "conflict".
 */
export async function findEnds(from: FileTree, source: string, to: FileTree, destination: string): Promise<CopyEnds> {
  const info = await from.find(source);
  if (!info) throw new MachineError("not-found", `there is no ${source} on ${from.place}`);
  if (info.kind !== "file" && info.kind !== "folder") throw new MachineError("conflict", `${source} on ${from.place} is neither a file nor a folder`);
  const there = await to.find(destination);
  const name = posix.basename(source);
  const meansContents = name === "" || name === "." || name === "..";
  const target = there?.kind === "folder" && !meansContents ? posix.join(destination, name) : destination;
  const present = target === destination ? there : await to.find(target);
  if (!present) await checkParent(to, target, target === destination && destination.endsWith("/") && info.kind === "file");
  else if ((present.kind === "folder") !== (info.kind === "folder")) {
    throw new MachineError("conflict", `${target} on ${to.place} is ${present.kind === "folder" ? "a folder" : "a file"}, and ${source} is ${info.kind === "folder" ? "a folder" : "a file"}`, {
      hint: "Name another destination.",
    });
  }
  return { source: info, target, present };
}

async function checkParent(to: FileTree, target: string, wantsFolder: boolean): Promise<void> {
  const parent = wantsFolder ? target : posix.dirname(target.replace(/\/+$/, ""));
  const folder = await to.find(parent);
  if (folder?.kind === "folder") return;
  throw new MachineError("not-found", `there is no folder ${parent} on ${to.place}`, { hint: "Make it first, or name one that is there." });
}
