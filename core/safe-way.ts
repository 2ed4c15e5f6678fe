import { lstatSync, realpathSync, type Stats } from "node:fs";
import { join } from "node:path";
import { MachineError } from "./errors.ts";

/** How a container shows the owner of what it was given of its host: root's, as far as it can tell (user_namespaces(7)). */
const unmapped = 65_534;

/**
 * Checks the way to a folder: that nobody but the user and root can put another in the place of one on it. Every folder and link that
 * is there belongs to one of the two, and others may write to a folder only if it is sticky, as /tmp. Throws MachineError "conflict".
 */
export function checkWay(path: string, user = process.getuid?.()): void {
  if (user === undefined) return;
  let at = "/";
  for (const part of path.split("/").filter((word) => word !== "")) {
    const next = join(at, part);
    const found = lstatSync(next, { throwIfNoEntry: false });
    if (!found) return;
    const problem = problemOf(found, user);
    if (problem !== undefined) {
      throw new MachineError("conflict", `${next} ${problem}, so ${path} is not safe there`, { hint: hintFor(found, user) });
    }
    if (!found.isSymbolicLink()) {
      at = next;
      continue;
    }
    const real = realOf(next);
    if (real === undefined) return;
    checkWay(real, user);
    at = real;
  }
}

/** Whether something is the user's or root's. */
export function isOurs({ uid }: Pick<Stats, "uid">, user = process.getuid?.()): boolean {
  return user === undefined || [user, 0, unmapped].includes(uid);
}

function problemOf(found: Stats, user: number): string | undefined {
  if (!isOurs(found, user)) return `belongs to user ${found.uid}`;
  const isOpen = found.isDirectory() && (found.mode & 0o002) !== 0 && (found.mode & 0o1000) === 0;
  return isOpen ? "can be written to by everybody" : undefined;
}

function hintFor({ uid }: Stats, user: number): string {
  if (user === 0 && uid !== 0) return `Run glowplug as user ${uid}, or, as root, with folders of root's: HOME=/root, and no XDG_ variables of somebody else's.`;
  return "Name a folder of your own by the variables XDG_DATA_HOME, XDG_CACHE_HOME and XDG_RUNTIME_DIR, or take the right to write away from others.";
}

/** A link that leads nowhere is told by whoever follows it. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
