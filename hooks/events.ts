import type { AfterStartEvent } from "./after-start.ts";
import type { BeforeBootEvent } from "./before-boot.ts";
import type { BeforeDownloadEvent } from "./before-download.ts";
import type { BeforeStopEvent } from "./before-stop.ts";
import type { IgnitionEvent } from "./ignition.ts";

export type { AfterStartEvent, BeforeBootEvent, BeforeDownloadEvent, BeforeStopEvent, IgnitionEvent };
export type { HookBase } from "./base.ts";

/** Every moment at which others may have a say, and what they are handed. */
export interface HookEvents {
  beforeDownload: BeforeDownloadEvent;
  ignition: IgnitionEvent;
  beforeBoot: BeforeBootEvent;
  afterStart: AfterStartEvent;
  beforeStop: BeforeStopEvent;
}
export type HookName = keyof HookEvents;
export const hookNames: readonly HookName[] = ["beforeDownload", "ignition", "beforeBoot", "afterStart", "beforeStop"];

/** The hooks as methods: what a plugin or a machine script may have. All are awaited, in plugin order. */
export type HookMethods = { [N in HookName]?: (event: HookEvents[N]) => void | Promise<void> };

/** Options of a tap, as tapable has them. */
export interface TapOptions {
  /** What the `before` of others may name. Default: the plugin's name, which errors show in any case. */
  readonly name?: string;
  /** Lower comes earlier. Default: 0. */
  readonly stage?: number;
  /** Come before the taps of these plugins, wherever they stand in the list. A name that no plugin and no tap has is an error. */
  readonly before?: string | readonly string[];
}
/** One hook, as `apply` sees it. A function put on with any of the three is awaited. */
export interface TapHook<E> {
  tap(options: string | TapOptions, fn: (event: E) => void | Promise<void>): void;
  tapPromise(options: string | TapOptions, fn: (event: E) => Promise<void>): void;
  tapAsync(options: string | TapOptions, fn: (event: E, done: (error?: Error | null) => void) => void): void;
}
export type TapHooks = { readonly [N in HookName]: TapHook<HookEvents[N]> };
