import { isMachineError, messageOf } from "../errors.ts";
import type { HostFacts } from "../model.ts";
import { checkNames, type SlotRole } from "../plugin-check.ts";
import type { Plugin } from "../plugin.ts";
import type { PluginResolver } from "../resolve.ts";
import type { Forwarder } from "../roles/forwarder.ts";
import type { Launcher } from "../roles/launcher.ts";
import { noTrace, type Trace } from "../run.ts";
import { callPlugin, within } from "../spans.ts";
import type { NamedPlugin, ResolvedSpec } from "../spec-types.ts";
import { defaults, type AddonField } from "./defaults.ts";
import type { MergedSpec, SpecLayer, WantedPlugin } from "./merge.ts";
import { mistakeOf, type Mistake } from "./mistakes.ts";

export interface PluginContext {
  readonly host: HostFacts;
  /** Where defaults are looked for from; no matter for built-ins. */
  readonly cwd: string;
  readonly resolvePlugin: PluginResolver;
  /** Default: none. */
  readonly trace?: Trace;
}
/** What the fields say that switch addons on. */
export type Switches = Readonly<Record<AddonField, unknown>>;
/** A mistake whose layer is known better than its path tells. */
export interface LayerMistake extends Mistake { readonly layer?: SpecLayer }
export type ChosenPlugins = Pick<ResolvedSpec, "image" | "provisioner" | "launcher" | "forwarder" | "plugins">;

/**
 * Turns names into plugins, picks defaults for empty slots, and lines all up in the order in which hooks fire: slots, addons that
 * fields switch on, listed plugins, scripts. Adds to `mistakes`; undefined when a slot stays empty.
 */
export async function choosePlugins(merged: MergedSpec, switches: Switches, context: PluginContext, mistakes: LayerMistake[]): Promise<ChosenPlugins | undefined> {
  const { trace = noTrace } = context;
  // Not under the plugin's name: it may be an address.
  const load: PluginResolver = (role, ...which) => within(trace, `load ${role}`, "plugin", { role }, () => context.resolvePlugin(role, ...which));
  const image = await slot<"image">("image", () => defaults.image);
  const provisioner = await slot<"provisioner">("provisioner", () => image && defaults.provisioner(image.firstBoot));
  const launcher = await slot<"launcher">("launcher", () => defaults.launcher);
  const forwarder = merged.values.forwarder === undefined ? launcher && (await defaultForwarder(launcher)) : await slot<"forwarder">("forwarder", () => undefined);

  const listed: Plugin[] = [];
  for (const wanted of merged.plugins) listed.push(...(await resolved(wanted)));
  const addons: Plugin[] = [];
  for (const [field, name] of Object.entries(defaults.addons)) addons.push(...(await addon(name, field as AddonField)));

  if (!image || !provisioner || !launcher || !forwarder) return undefined;
  const plugins = [image, provisioner, launcher, forwarder, ...addons, ...listed, ...merged.scripts];
  mistakes.push(...checkNames(plugins).map((message) => ({ path: "", message })));
  return { image, provisioner, launcher, forwarder, plugins };

  async function slot<R extends SlotRole>(role: R, fallback: () => string | undefined): Promise<ResolvedSpec[R] | undefined> {
    const wanted: Plugin | string | NamedPlugin | undefined = merged.values[role] ?? fallback();
    if (wanted === undefined || isPlugin(wanted)) return wanted as ResolvedSpec[R] | undefined;
    return attempt(role, async () => (await load(role, wanted, merged.folders[role] ?? context.cwd)) as ResolvedSpec[R]);
  }

  async function resolved({ path, wanted, folder, layer }: WantedPlugin): Promise<Plugin[]> {
    if (isPlugin(wanted)) return [wanted];
    const plugin = await attempt(path, () => load("addon", wanted, folder), layer);
    return plugin ? [plugin] : [];
  }

  /** A listed plugin of the same name takes an addon's place. */
  async function addon(name: string, field: AddonField): Promise<Plugin[]> {
    const value = switches[field];
    if (!value || listed.some((plugin) => plugin.name === name)) return [];
    return resolved({ path: value === true ? "" : field, wanted: value === true ? name : [name, { [field]: value }], folder: context.cwd });
  }

  async function defaultForwarder(its: Launcher): Promise<Forwarder | undefined> {
    const reasons: string[] = [];
    const hints: string[] = [];
    for (const name of defaults.forwarders) {
      try {
        const candidate = (await load("forwarder", name, context.cwd)) as Forwarder;
        if (!candidate.links.some((link) => its.links.includes(link))) {
          reasons.push(`${name} offers ${candidate.links.join(", ")}, and ${its.name} takes ${its.links.join(", ")}`);
          continue;
        }
        await callPlugin(trace, candidate, "check", context.host);
        return candidate;
      } catch (error) {
        reasons.push(`${name}: ${messageOf(error)}`);
        if (isMachineError(error) && error.hint !== undefined) hints.push(error.hint);
      }
    }
    mistakes.push({ path: "forwarder", code: "unsupported-host", message: `no forwarder works here: ${reasons.join("; ")}`, ...(hints[0] !== undefined && { hint: hints[0] }) });
    return undefined;
  }

  async function attempt<T>(path: string, work: () => Promise<T>, layer?: SpecLayer): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      mistakes.push({ ...mistakeOf(path, error), ...(layer && { layer }) });
      return undefined;
    }
  }
}

function isPlugin(wanted: Plugin | string | NamedPlugin): wanted is Plugin {
  return typeof wanted === "object" && !Array.isArray(wanted);
}
