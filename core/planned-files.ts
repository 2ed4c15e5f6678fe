import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { freshNameFor, removeLeftovers, syncFile } from "./atomic.ts";
import type { PlannedFile } from "./model.ts";

/** Makes the files of a plan, each whole or not at all, and the folders they lie in for their owner alone. */
export async function writePlannedFiles(files: readonly PlannedFile[]): Promise<void> {
  for (const file of files) {
    if (file.keep && existsSync(file.path)) continue;
    mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
    await removeLeftovers(file.path);
    const fresh = freshNameFor(file.path);
    try {
      writeFresh(fresh, file);
      // What is kept from start to start must not be cut by a power failure: it is never written again.
      if (file.keep) await syncFile(fresh);
      renameSync(fresh, file.path);
    } finally {
      rmSync(fresh, { force: true });
    }
  }
}

function writeFresh(path: string, { content, mode = 0o600 }: PlannedFile): void {
  if ("text" in content) writeFileSync(path, content.text, { mode });
  else if ("copyOf" in content) copyFileSync(content.copyOf, path);
  else {
    writeFileSync(path, "", { mode });
    truncateSync(path, content.zeros);
  }
  chmodSync(path, mode);
}
