import { dirname } from "node:path";
import { ask, fetchText } from "../download.ts";
import { fetchSigned } from "../signed-text.ts";
import type { ImageQuery } from "../roles/image.ts";
import type { Run } from "../run.ts";
import type { ResolvedSpec } from "../spec-types.ts";

/** What the core tells an image source about this machine. */
export function imageQuery(spec: ResolvedSpec, run: Run): ImageQuery {
  return {
    host: run.host, arch: run.host.arch, platforms: spec.launcher.platforms, formats: spec.launcher.formats,
    folder: spec.script === undefined ? run.cwd : dirname(spec.script),
    fetchText: (url) => fetchText(url, run),
    fetchSigned: (url, options) => fetchSigned(url, options, run),
    ask: (url, options) => ask(url, run, options),
  };
}
