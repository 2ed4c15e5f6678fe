import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MachineError } from "./errors.ts";

/** Where the running copy of glowplug lies: the source tree, or what the build made of it. */
export interface RunningCopy {
  /** Ending of its modules. */
  readonly ending: ".ts" | ".js";
  /** What `import "glowplug"` means. */
  readonly face: string;
  /** What `import "glowplug/testing"` means. */
  readonly testing: string;
  /** Folder of the built-in plugins, one folder a role. */
  readonly plugins: string;
}

/** Finds the running copy from the address of one of its modules: `import.meta.url`. */
export function findRunningCopy(url: string): RunningCopy {
  const bundled = !url.split("?")[0]?.endsWith(".ts");
  for (let folder = dirname(fileURLToPath(url)); ; folder = dirname(folder)) {
    const copy: RunningCopy = bundled
      ? { ending: ".js", face: join(folder, "index.js"), testing: join(folder, "testing.js"), plugins: join(folder, "plugins") }
      : { ending: ".ts", face: join(folder, "core/index.ts"), testing: join(folder, "test/contracts/index.ts"), plugins: join(folder, "plugins") };
    if (existsSync(copy.face) && existsSync(copy.plugins)) return copy;
    if (folder === dirname(folder)) throw new MachineError("internal", `no copy of glowplug lies around ${url}`, { hint: "Install glowplug anew." });
  }
}
