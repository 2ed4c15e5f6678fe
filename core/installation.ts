import { fileURLToPath } from "node:url";

/**
 * Where the running copy's programs lie. Bundled, every chunk lies beside keeper.js; in the source tree the keeper is run
 * from dist, so a change of it needs a build.
 */
export function keeperProgram(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith(".ts") ? "../dist/keeper.js" : "./keeper.js", here));
}
