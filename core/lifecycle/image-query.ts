import { dirname } from "node:path";
import { fetchText } from "../download.ts";
import type { ImageQuery } from "../roles/image.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** What the core tells an image source about this machine. */
export function imageQuery(spec: ResolvedSpec, run: Run): ImageQuery {
  return {
    host: run.host, arch: run.host.arch, platforms: spec.launcher.platforms, formats: spec.launcher.formats,
    folder: spec.script === undefined ? run.cwd : dirname(spec.script),
    fetchText: (url) => fetchText(url, run),
  };
}
