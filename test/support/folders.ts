import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPaths, type Paths } from "../../core/paths.ts";

/** A fresh folder for one test. */
export interface TestFolder {
  readonly path: string;
  /** glowplug's folders below it. */
  readonly paths: Paths;
  remove(): void;
}

/** Makes a fresh folder. Its owner removes it. */
export function makeTestFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), "glowplug-test-"));
  const env = Object.fromEntries(["DATA_HOME", "CACHE_HOME", "CONFIG_HOME", "RUNTIME_DIR"].map((name) => [`XDG_${name}`, join(path, name.toLowerCase())]));
  const paths = createPaths({ os: "linux", uid: 1000, home: path, env, isOwned: () => true });
  return { path, paths, remove: () => rmSync(path, { recursive: true, force: true }) };
}
