import { fileURLToPath } from "node:url";

/**
 * Where the running copy's programs lie. Bundled, every chunk lies beside keeper.js; in the source tree the keeper is run
 * from dist, so a change of it needs a build.
 */
export function keeperProgram(): string {
  return beside("keeper.js");
}

/** The command line's own program, for a keeper that starts its machine again. */
export function commandProgram(): string {
  return beside("glowplug.js");
}

function beside(file: string): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith(".ts") ? `../dist/${file}` : `./${file}`, here));
}
