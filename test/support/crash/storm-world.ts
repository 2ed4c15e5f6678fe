import { join, relative } from "node:path";
import { filesBelow, processesOf, program, run, type Ended } from "../world.ts";
import { GuestWorld } from "./guest-world.ts";
import { calm, storm, type StormOptions } from "./storm-run.ts";

/** Files that stay when every machine and every image is gone. */
const staying = /^(bin|work|guest|config)\/|^data\/glowplug\/ports\.json$|^cache\/glowplug\/accelerators\.json$/;

/** A world of fake programs for many machines. A verb that hangs is ended, and has no exit status. */
export class StormWorld extends GuestWorld {
  override glowplug(...argv: string[]): Promise<Ended> {
    return run(process.execPath, [program, ...argv], { env: this.env, cwd: join(this.folder, "work"), limitMs: 300_000 });
  }
}

/** A storm from its beginning to the clear sky after it: every fault, in words. */
export async function stormIn(world: StormWorld, options: StormOptions): Promise<readonly string[]> {
  const go = (...argv: string[]): Promise<Ended> => world.glowplug(...argv);
  const wrong = await storm(go, options);
  const faults = await calm(go, options.machines);
  return [
    ...wrong, ...faults,
    ...processesOf(world.folder).map((line) => `a process runs: ${line}`),
    ...filesBelow(world.folder).map((path) => relative(world.folder, path)).filter((path) => !staying.test(path)).map((path) => `a file is left: ${path}`),
  ];
}
