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
  return { path, paths: testPaths(path), remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** glowplug's folders below a folder, whatever this process's environment says. */
export function testPaths(path: string): Paths {
  const env = Object.fromEntries(["DATA_HOME", "CACHE_HOME", "CONFIG_HOME", "RUNTIME_DIR"].map((name) => [`XDG_${name}`, join(path, name.toLowerCase())]));
  return createPaths({ os: "linux", uid: 1000, home: path, env: { ...env, CONTAINERS_CONF: "/dev/null" }, isOwned: () => true });
}
