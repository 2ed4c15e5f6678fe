import type { Wish } from "./offers.ts";
import { describe } from "../describe.ts";
import { MachineError } from "../errors.ts";
import { isObject } from "../json.ts";
import type { TrustedKey } from "../signature.ts";
import { didYouMean } from "../suggest.ts";

/** What every image of a distribution takes. */
export interface CloudImageOptions {
  /** Release to take: "13", "24.04". A part will do: "10" is the newest 10.x. Default: the publisher's newest. */
  readonly release?: string;
  /** Build of that release to stay with, as `plan` and `inspect` name it behind the release's colon. Default: its newest. */
  readonly build?: string;
  /** Line of images, for distributions that have several. Default: the first that the plugin names. */
  readonly stream?: string;
  /** Address of a folder that is laid out as the publisher's own. What it serves is held to the same signatures. Default: the publisher's. */
  readonly url?: string;
  /**
   * Who may have signed: for a distribution whose key does not come with the plugin, or for a folder of your own. An empty list goes by the
   * checksums alone. Default: the publisher's keys that come with the plugin.
   */
  readonly keys?: readonly TrustedKey[];
}

/** From YAML and JSON anything can arrive; a release goes into addresses. Throws MachineError "bad-spec". */
export function checkWish(plugin: string, { release, build }: CloudImageOptions): Wish {
  for (const [option, value] of Object.entries({ release, build })) {
    if (value === undefined || (typeof value === "string" && /^[\w.+-]+$/.test(value))) continue;
    throw bad(plugin, `has the ${option} ${describe(value)}, which is none`, typeof value === "number" ? `Write it as text, since 24.10 as a number is 24.1: ${option}: "${String(value)}".` : `Write it as its publisher does: ${option}: "13".`);
  }
  return { ...(release !== undefined && { release }), ...(build !== undefined && { build }) };
}

/** Throws MachineError "bad-spec" for a stream that is none. */
export function checkStream(plugin: string, stream: unknown, streams: readonly string[] | undefined): string | undefined {
  if (stream === undefined) return streams?.[0];
  if (typeof stream === "string" && streams?.includes(stream)) return stream;
  throw bad(plugin, `has no stream ${describe(stream)}${didYouMean(String(stream), streams ?? [])}`, `Streams are ${(streams ?? []).join(", ")}.`);
}

/** Throws MachineError "bad-spec" for an address that is none. */
export function checkUrl(plugin: string, url: unknown): string | undefined {
  if (url === undefined || (typeof url === "string" && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return url;
  throw bad(plugin, `has the url ${describe(url)}, which is no http or https address`, "Write the whole address of a folder that is laid out as the publisher's.");
}

/** Throws MachineError "bad-spec" for keys that are none. */
export function checkKeys(plugin: string, keys: unknown): readonly TrustedKey[] | undefined {
  if (keys === undefined || (Array.isArray(keys) && keys.every(isKey))) return keys as readonly TrustedKey[] | undefined;
  throw bad(plugin, "has keys that are none", "Each is { armored, fingerprint, owner }: the key's text, the 40 hexadecimal digits of its fingerprint, and whose it is.");
}

function isKey(key: unknown): boolean {
  return isObject(key) && typeof key["armored"] === "string" && typeof key["owner"] === "string" && /^[0-9a-f]{40}([0-9a-f]{24})?$/i.test(String(key["fingerprint"]));
}

function bad(plugin: string, message: string, hint: string): MachineError {
  return new MachineError("bad-spec", `${plugin} ${message}`, { plugin, hint });
}
