import type { BeforeBootEvent } from "./before-boot.ts";
import type { BeforeDownloadEvent } from "./before-download.ts";
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
  const before = imageIn(event);
  const authored = authoredIn(event).map((thing) => ({ thing, author: thing.author }));
  for (const { thing } of authored) thing.author = plugin;
  return {
    view,
    close() {
      for (const { thing, author } of authored) thing.author = author;
      Object.assign(event, { ...view, signal: event.signal, log: event.log });
      noteImage(event, plugin, before);
    },
  };
}

/** The image's fields, each as text, and who is behind them. */
function imageIn(event: HookBase): { readonly fields: Readonly<Record<string, string | undefined>>; readonly by?: Readonly<Record<string, string>> } {
  const { by, ...image } = (event as Partial<BeforeDownloadEvent>).image ?? {};
  return { fields: Object.fromEntries(Object.entries(image).map(([field, value]) => [field, JSON.stringify(value)])), ...(by && { by }) };
}

/** Notes this plugin behind every field of the image that it changed or put there; for the others those stay who were behind them. */
function noteImage(event: HookBase, plugin: string, before: ReturnType<typeof imageIn>): void {
  const { image } = event as Partial<BeforeDownloadEvent>;
  if (!image) return;
  const { fields } = imageIn(event);
  image.by = Object.fromEntries(Object.keys(fields).flatMap((field) => {
    const author = fields[field] === before.fields[field] ? before.by?.[field] : plugin;
    return author === undefined ? [] : [[field, author]];
  }));
}

/** Guest draft and commands. A hook without them yields none. */
function authoredIn(event: HookBase): { author?: string }[] {
  const { guest, boot, net } = event as Partial<IgnitionEvent & BeforeBootEvent>;
  return [guest, boot?.vm, ...(boot?.helpers ?? []).map((helper) => helper.command), net?.command].filter((thing) => thing !== undefined);
}
