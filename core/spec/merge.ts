import { basename } from "node:path";
import { hookNames } from "../../hooks/index.ts";
import { hostPath } from "../host-path.ts";
import type { HostFacts } from "../model.ts";
import type { Plugin } from "../plugin.ts";
import type { MachineSpec, NamedPlugin, ValueSource } from "../spec-types.ts";
import type { LineOf } from "./mistakes.ts";
import { resolveVolume } from "./volumes.ts";

/** What one source says. Later layers win, field by field. */
export interface SpecLayer {
  readonly source: ValueSource;
  readonly spec: MachineSpec;
  /** The file, for messages and for the name of its hooks. Default: the source's word. */
  readonly where?: string;
  /** What its relative paths are relative to. Default: the working folder. */
  readonly folder?: string;
  readonly lineOf?: LineOf;
}

/** A plugin as somebody named it, and the folder from which paths and packages are looked for. */
export interface WantedPlugin {
  readonly path: string;
  readonly wanted: Plugin | string | NamedPlugin;
  readonly folder: string;
  /** Who listed it. */
  readonly layer?: SpecLayer;
}

type Field = Exclude<keyof MachineSpec, "plugins" | (typeof hookNames)[number]>;

/** All layers as one, before defaults and plugins. */
export interface MergedSpec {
  readonly values: Pick<MachineSpec, Field>;
  readonly sources: Readonly<Record<string, ValueSource>>;
  /** Folder of the layer that gave a field. */
  readonly folders: Readonly<Record<string, string>>;
  /** The plugins that the layers list, those of the user's config first. */
  readonly plugins: readonly WantedPlugin[];
  /** Layers with hook methods of their own, as plugins: the user's config among `plugins`, all others after everything else. */
  readonly scripts: readonly Plugin[];
}

/** Merges layers that have been checked. Lists are replaced as a whole, except `plugins`, which are strung together. */
export function mergeLayers(layers: readonly SpecLayer[], cwd: string, host: HostFacts): MergedSpec {
  const values: Record<string, unknown> = {};
  const sources: Record<string, ValueSource> = {};
  const folders: Record<string, string> = {};
  const plugins: WantedPlugin[] = [];
  const scripts: Plugin[] = [];
  for (const layer of layers) {
    const folder = layer.folder ?? cwd;
    for (const [field, value] of Object.entries(layer.spec)) {
      if (value === undefined || field === "plugins" || hookNames.some((hook) => hook === field)) continue;
      values[field] = withAbsolutePaths(field, value, folder, host.home);
      sources[field] = layer.source;
      folders[field] = folder;
    }
    layer.spec.plugins?.forEach((wanted, index) => {
      if (wanted) plugins.push({ path: `plugins[${index}]`, wanted, folder, layer });
    });
    const script = scriptPlugin(layer);
    if (script && layer.source === "user config") plugins.push({ path: "", wanted: script, folder, layer });
    else if (script) scripts.push(script);
  }
  return { values, sources, folders, plugins, scripts };
}

/** A script with hook methods is a plugin too, under the name of its file. */
function scriptPlugin({ spec, where, source }: SpecLayer): Plugin | undefined {
  const own = hookNames.filter((hook) => spec[hook] !== undefined);
  if (own.length === 0) return undefined;
  const name = source === "user config" ? source : where === undefined ? "script" : basename(where);
  return { name, ...Object.fromEntries(own.map((hook) => [hook, (event: never) => (spec[hook] as (event: never) => unknown)(event)])) };
}

function withAbsolutePaths(field: string, value: unknown, folder: string, home: string): unknown {
  switch (field) {
    case "volumes": return (value as NonNullable<MachineSpec["volumes"]>).map((volume) => resolveVolume(volume, folder, home));
    case "files": return (value as NonNullable<MachineSpec["files"]>).map((file) => (file.source === undefined ? file : { ...file, source: hostPath(file.source, folder, home) }));
    case "sockets": return (value as NonNullable<MachineSpec["sockets"]>).map((socket) => ({ ...socket, host: hostPath(socket.host, folder, home) }));
    case "playbook": case "ignitionPath": return hostPath(String(value), folder, home);
    default: return value;
  }
}
