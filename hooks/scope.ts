import type { BeforeBootEvent } from "./before-boot.ts";
import type { HookBase } from "./base.ts";
import type { IgnitionEvent } from "./ignition.ts";

/** What one plugin is handed in a hook, and how its changes come back. */
export interface ScopedEvent<E> {
  readonly view: E;
  /** Ends the scope: what the plugin put into the view's own fields is put into the event. */
  close(): void;
}

/**
 * The event as one plugin sees it: `log` speaks under its name, `signal` also knows its deadline, and everything in the event
 * that remembers its authors (the guest draft, the commands) notes this plugin until `close`.
 */
export function scopeEvent<E extends HookBase>(event: E, plugin: string, signal: AbortSignal, log: (message: string) => void): ScopedEvent<E> {
  const view: E = { ...event, signal, log };
  const authored = authoredIn(event).map((thing) => ({ thing, before: thing.author }));
  for (const { thing } of authored) thing.author = plugin;
  return {
    view,
    close() {
      for (const { thing, before } of authored) thing.author = before;
      Object.assign(event, { ...view, signal: event.signal, log: event.log });
    },
  };
}

/** Guest draft and commands. A hook without them yields none. */
function authoredIn(event: HookBase): { author?: string }[] {
  const { guest, boot, net } = event as Partial<IgnitionEvent & BeforeBootEvent>;
  return [guest, boot?.vm, ...(boot?.helpers ?? []).map((helper) => helper.command), net?.command].filter((thing) => thing !== undefined);
}
