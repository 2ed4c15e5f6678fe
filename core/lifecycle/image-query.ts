import { dirname } from "node:path";
import { ask, fetchText } from "../download.ts";
import { fetchSigned } from "../signed-text.ts";
import type { ImageQuery, LocatedImage } from "../roles/image.ts";
import type { Run } from "../run.ts";
import { callPlugin } from "../spans.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** Where a machine's disk comes from, with the image source noted behind every field. `keep`: copies of the texts, for later use offline. */
export async function locateImage(spec: ResolvedSpec, run: Run, { keep = true }: { readonly keep?: boolean } = {}): Promise<LocatedImage> {
  const { image } = spec;
  const located = await callPlugin(run.trace, image, "locate", imageQuery(spec, { ...run, host: run.host, keep }));
  return { ...located, by: Object.fromEntries(Object.keys(located).map((field) => [field, image.name])) };
}

/** What the core tells an image source about this machine. */
function imageQuery(spec: ResolvedSpec, run: Run & { readonly keep: boolean }): ImageQuery {
  return {
    host: run.host, arch: run.host.arch, platforms: spec.launcher.platforms, formats: spec.launcher.formats,
    folder: spec.script === undefined ? run.cwd : dirname(spec.script),
    fetchText: (url) => fetchText(url, run),
    fetchSigned: (url, options) => fetchSigned(url, options, run),
    ask: (url, options) => ask(url, run, options),
  };
}
