import { statSync } from "node:fs";
import { MachineError } from "../errors.ts";
import type { HostFacts, Share } from "../model.ts";
import type { ResolvedSpec, ValueSource } from "../spec-types.ts";
import { parseSize } from "../units.ts";
import { defaults } from "./defaults.ts";
import { checkLimits } from "./limits.ts";
import { mergeLayers, type MergedSpec, type SpecLayer } from "./merge.ts";
import { throwMistakes, topField, type LocatedMistake, type Mistake } from "./mistakes.ts";
import { defaultName } from "./name.ts";
import { clashingPorts, portText, resolvePorts } from "./ports.ts";
import { readSpec } from "./read.ts";
import { choosePlugins, type LayerMistake, type PluginContext } from "./slots.ts";
import { canonicalUsb } from "./usb.ts";
import { targetProblem } from "./volumes.ts";

export interface SpecContext extends PluginContext {
  /** The machine's name where no layer gives one. Default: told from `script`. */
  readonly name?: string;
  /** Absolute real path of the script or config file. */
  readonly script?: string;
}

/**
 * The spec that the layers make: checked, merged (later layers win), filled up with defaults, sizes in bytes, plugins as objects.
 * Throws one MachineError with every mistake, those that a layer has in itself and those that show on this host.
 */
export async function resolveSpec(layers: readonly SpecLayer[], context: SpecContext): Promise<ResolvedSpec> {
  const read = layers.map((layer) => ({ layer, ...readSpec(layer.spec) }));
  const shapeMistakes = read.flatMap(({ layer, mistakes: its }) => its.map((mistake) => locate(mistake, layer)));
  const { host } = context;
  const merged = mergeLayers(read.map(({ layer, spec }) => ({ ...layer, spec })), context.cwd, host);
  const { values } = merged;
  const numbers = {
    cpus: values.cpus ?? defaults.cpus(host.cpus), memory: parseSize(values.memory ?? defaults.memory), disk: parseSize(values.disk ?? defaults.disk),
    swap: values.swap === undefined ? defaults.swap : parseSize(values.swap),
  };
  const volumes = (values.volumes ?? []) as readonly Required<Share>[];
  const ports = (values.ports ?? []).flatMap(resolvePorts);
  const importNativeCa = values.importNativeCa ?? defaults.importNativeCa;
  const podman = values.podman ?? defaults.podman;
  const proxy = values.proxy ?? defaults.proxy;
  const mistakes: LayerMistake[] = [...checkLimits(numbers, host), ...checkPorts(ports), ...checkVolumes(volumes, host)];
  const chosen = await choosePlugins(merged, { podman, proxy, importNativeCa, swap: numbers.swap > 0 && values.swap, playbook: values.playbook }, context, mistakes);
  if (chosen && (values.usb ?? []).length > 0 && !chosen.launcher.abilities.usb) {
    mistakes.push({ path: "usb", code: "unsupported-host", message: `USB host passthrough not supported for ${chosen.launcher.name} machines` });
  }
  throwMistakes([...shapeMistakes, ...mistakes.map((mistake) => locate(mistake, mistake.layer ?? layerOf(mistake.path, layers, merged)))]);
  if (!chosen) throw new MachineError("internal", "a slot stayed empty without a mistake");
  const { image } = chosen;

  const timezone = values.timezone ?? defaults.timezone;
  return {
    name: values.name ?? context.name ?? defaultName(context.script),
    ...(context.script !== undefined && { script: context.script }),
    ...numbers, ...chosen,
    ports, guestPorts: values.guestPorts ?? defaults.guestPorts, volumes, sockets: values.sockets ?? [], files: values.files ?? [], units: values.units ?? [], packages: values.packages ?? [], run: values.run ?? [],
    restart: values.restart ?? defaults.restart, usb: (values.usb ?? []).map(canonicalUsb), importNativeCa,
    ...(values.playbook !== undefined && { playbook: values.playbook }), ...(values.ignitionPath !== undefined && { ignitionPath: values.ignitionPath }),
    user: values.user ?? image.user, rootful: values.rootful ?? defaults.rootful,
    timezone: timezone === "local" ? host.timezone : timezone, podman, proxy,
    ...(typeof values.network === "string" && { network: values.network }),
    sources: { ...defaultSources, ...merged.sources },
  };
}

const defaultSources: Readonly<Record<string, ValueSource>> = Object.fromEntries(
  ["name", "cpus", "memory", "disk", "swap", "image", "provisioner", "launcher", "forwarder", "ports", "guestPorts", "sockets", "volumes", "files", "units", "packages", "run",
    "restart", "usb", "playbook", "ignitionPath", "importNativeCa", "user", "rootful", "timezone", "podman", "proxy", "network"].map((field) => [field, "default" as const]),
);

function checkPorts(ports: ResolvedSpec["ports"]): Mistake[] {
  return clashingPorts(ports).map(([one, other]) => ({ path: "ports", message: `expected each port of the host once, found ${portText(one)} and ${portText(other)}` }));
}

function checkVolumes(volumes: readonly Required<Share>[], host: HostFacts): Mistake[] {
  return volumes.flatMap(({ source, target }, index) => {
    const mistakes: Mistake[] = [];
    if (host.local && !isFolder(source)) mistakes.push({ path: `volumes[${index}]`, message: `expected a folder of the host, found none at ${source}` });
    const problem = targetProblem(target);
    if (problem !== undefined) mistakes.push({ path: `volumes[${index}]`, message: problem });
    if (volumes.findIndex((other) => other.target === target) !== index) mistakes.push({ path: `volumes[${index}]`, message: `expected each target once, found ${target} again` });
    return mistakes;
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function locate(mistake: Mistake, layer: SpecLayer | undefined): LocatedMistake {
  return { ...mistake, where: layer?.where ?? layer?.source ?? "the machine's spec", line: layer?.lineOf?.(mistake.path) };
}

/** The layer that gave a field; for what no layer said, the script. */
function layerOf(path: string, layers: readonly SpecLayer[], { sources }: MergedSpec): SpecLayer | undefined {
  const source = sources[topField(path)];
  return layers.findLast((layer) => (source === undefined ? layer.where !== undefined : layer.source === source && topField(path) in layer.spec));
}
