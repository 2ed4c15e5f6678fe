import { AsyncSeriesHook } from "tapable";
import { MachineError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { hookNames, type HookEvents, type HookMethods, type HookName, type TapHook, type TapHooks, type TapOptions } from "./events.ts";
import { blame, promiseOf, withinLimits, type AnyTap, type TapKind } from "./run-tap.ts";
import { scopeEvent } from "./scope.ts";

export interface HookOptions {
  /** Called as each tap begins; the function it returns is called when that tap has ended, well or not. For traces. */
  onTap?(plugin: string, hook: HookName): void | (() => void);
  /** Where a plugin's `event.log` goes. Default: the event's own `log`, with the plugin's name before the message. */
  log?(plugin: string, message: string): void;
  /** How long one plugin may take in one hook, in milliseconds. Default: 5 minutes. */
  deadlineMs?: number;
}

/** The hooks of one verb. Made fresh for each, so nothing is left over from the last. */
export interface Hooks {
  /** For whoever is no plugin; taps need a name here. Plugins are handed their own in `apply`. */
  readonly taps: TapHooks;
  /** Puts a plugin's hook methods on, then calls its `apply`. Plugins fire in the order in which they were added. */
  add(plugin: HookMethods & { readonly name: string; apply?(hooks: TapHooks): void }): void;
  /**
   * Calls every tap of a hook, one after the other, and awaits each. The first failure ends it: MachineError "hook-failed" with the
   * plugin and the hook, "deadline" when a plugin does not return, "interrupted" when the event's or the given signal aborts.
   */
  fire<N extends HookName>(name: N, event: HookEvents[N], signal?: AbortSignal): Promise<void>;
}

/** A tap before tapable has it: `before` can then name plugins that come later in the list. */
interface WaitingTap {
  readonly type: TapKind;
  readonly plugin: string;
  readonly name: string;
  readonly stage: number;
  readonly before: readonly string[];
  readonly fn: AnyTap;
}
type Runner = AsyncSeriesHook<[HookEvents[HookName], AbortSignal], { plugin: string }>;

/** tapable behind the names of our hooks. The one place that knows it. */
export function createHooks(options: HookOptions = {}): Hooks {
  const waiting = new Map<HookName, WaitingTap[]>(hookNames.map((name) => [name, []]));
  const plugins = new Set<string>();
  let runners: ReadonlyMap<HookName, Runner> | undefined;

  return {
    taps: tapsOf(undefined),
    add(plugin) {
      plugins.add(plugin.name);
      for (const hook of hookNames) {
        if (plugin[hook] !== undefined) enlist(hook, "sync", plugin.name, plugin.name, (event) => (plugin[hook] as (event: never) => unknown)(event));
      }
      if (plugin.apply) callApply(plugin.name, () => plugin.apply?.(tapsOf(plugin.name)));
    },
    async fire(name, event, signal) {
      runners ??= compile();
      const interrupt = signal ? AbortSignal.any([event.signal, signal]) : event.signal;
      await runners.get(name)?.promise(event, interrupt);
    },
  };

  function tapsOf(plugin: string | undefined): TapHooks {
    const tapHook = (hook: HookName): TapHook<never> => {
      const put = (type: TapKind) => (tap: string | TapOptions, fn: AnyTap) => enlist(hook, type, plugin, tap, fn);
      return { tap: put("sync"), tapPromise: put("promise"), tapAsync: put("async") };
    };
    return Object.fromEntries(hookNames.map((name) => [name, tapHook(name)])) as unknown as TapHooks;
  }

  function enlist(hook: HookName, type: TapKind, plugin: string | undefined, tap: string | TapOptions, fn: AnyTap): void {
    const { name = plugin, stage = 0, before = [] } = typeof tap === "string" ? { name: tap } : tap;
    if (name === undefined) throw new MachineError("bad-plugin", `a tap of ${hook} has no name`, { stage: hook });
    const owner = plugin ?? name;
    if (runners) {
      throw new MachineError("bad-plugin", `plugin ${owner} taps ${hook} after hooks have begun to fire`, { plugin: owner, stage: hook, hint: "Tap in apply()." });
    }
    if (typeof fn !== "function") {
      throw new MachineError("bad-plugin", `plugin ${owner}: ${hook}: expected a function, found ${fn === null ? "null" : typeof fn}`, { plugin: owner, stage: hook });
    }
    waiting.get(hook)?.push({ type, plugin: owner, name, stage, before: [before].flat(), fn });
  }

  function compile(): ReadonlyMap<HookName, Runner> {
    return new Map(hookNames.map((hook) => [hook, compileHook(hook, waiting.get(hook) ?? [])]));
  }

  function compileHook(hook: HookName, taps: readonly WaitingTap[]): Runner {
    const known = new Set([...plugins, ...taps.map((tap) => tap.name)]);
    for (const tap of taps) checkBefore(hook, tap, [...known]);
    const runner: Runner = new AsyncSeriesHook(["event", "signal"], hook);
    // tapable drops the promise of a function put on with plain `tap`, and blames nobody for a failure: both are mended as a tap comes in.
    runner.intercept({
      register: (tap) => ({ ...tap, type: "promise", fn: (event: HookEvents[HookName], signal: AbortSignal) => runTap(hook, tap.plugin, promiseOf(tap.type, tap.fn as AnyTap), event, signal) }),
    });
    // Those with `before` come last, when all that they name is there: tapable puts a tap that waits for an unknown name at the front.
    for (const tap of [...taps.filter((tap) => tap.before.length === 0), ...taps.filter((tap) => tap.before.length > 0)]) {
      const names = tap.before.filter((name) => taps.some((other) => other !== tap && other.name === name));
      const entry = { name: tap.name, plugin: tap.plugin, stage: tap.stage, ...(names.length > 0 && { before: names as unknown as string }) };
      const put = runner[({ sync: "tap", async: "tapAsync", promise: "tapPromise" } as const)[tap.type]] as unknown as (entry: object, fn: AnyTap) => void;
      put.call(runner, entry, tap.fn);
    }
    return runner;
  }

  async function runTap(hook: HookName, plugin: string, call: (event: never) => Promise<void>, event: HookEvents[HookName], interrupt: AbortSignal): Promise<void> {
    const ended = options.onTap?.(plugin, hook);
    const own = new AbortController();
    const log = (message: string): void => (options.log ? options.log(plugin, message) : event.log(`${plugin}: ${message}`));
    const { view, close } = scopeEvent(event, plugin, AbortSignal.any([interrupt, own.signal]), log);
    try {
      await withinLimits(() => call(view as never), { hook, plugin, interrupt, own, deadlineMs: options.deadlineMs ?? 300_000 });
    } catch (error) {
      throw blame(error, plugin, hook);
    } finally {
      close();
      ended?.();
    }
  }
}

function checkBefore(hook: HookName, tap: WaitingTap, known: readonly string[]): void {
  const unknown = tap.before.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new MachineError("bad-plugin", `plugin ${tap.plugin} wants to come before ${JSON.stringify(unknown)} in hook ${hook}, and no plugin has that name${didYouMean(unknown, known)}`, {
    plugin: tap.plugin, stage: hook, hint: `The plugins are ${known.join(", ")}.`,
  });
}

function callApply(plugin: string, apply: () => unknown): void {
  try {
    const result = apply();
    if (result instanceof Promise) {
      result.catch(() => undefined);
      throw new Error("it returns a promise; tap at once, and do the waiting in the hooks");
    }
  } catch (error) {
    throw blame(error, plugin, "apply");
  }
}
