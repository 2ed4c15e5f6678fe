import { obtainImage } from "../cache.ts";
import { pluginResolver } from "../config.ts";
import type { RecordedImage } from "../record.ts";
import type { Run } from "../run.ts";
import { commandLine, resolveSpec } from "../spec.ts";
import type { MachineSpec } from "../spec-types.ts";
import { locateImage } from "./image-query.ts";

/** Brings an image into the store, as init would for a machine of these words and defaults for everything else. */
export async function pullImage(words: Pick<MachineSpec, "image" | "launcher">, run: Run): Promise<RecordedImage> {
  const { host, cwd } = run;
  const spec = await resolveSpec([{ source: "flag", spec: words, where: commandLine }], { host, cwd, trace: run.trace, resolvePlugin: pluginResolver({ host, cwd }) });
  return obtainImage(await locateImage(spec, run), run, spec.image.name);
}
