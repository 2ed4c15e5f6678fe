import { chmodSync, copyFileSync, existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { PlannedFile } from "./model.ts";

/** Makes the files of a plan, and the folders they lie in for their owner alone. */
export function writePlannedFiles(files: readonly PlannedFile[]): void {
  for (const { path, content, mode = 0o600, keep } of files) {
    if (keep && existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if ("text" in content) writeFileSync(path, content.text, { mode });
    else if ("copyOf" in content) copyFileSync(content.copyOf, path);
    else {
      writeFileSync(path, "", { mode });
      truncateSync(path, content.zeros);
    }
    chmodSync(path, mode);
  }
}
