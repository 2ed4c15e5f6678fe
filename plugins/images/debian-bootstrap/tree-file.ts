import type { FirstBoot } from "glowplug";

/** A file that the build writes into the guest. */
export interface TreeFile {
  readonly path: string;
  /** Octal, as chmod takes it. Default: 0644. */
  readonly mode?: string;
  readonly content: string;
  /** The first-boot language whose guests have it. Default: all. */
  readonly only?: FirstBoot;
}

/** Those that guests of a first-boot language have. */
export function of<T extends { readonly only?: FirstBoot }>(things: readonly T[], firstBoot: FirstBoot): readonly T[] {
  return things.filter(({ only = firstBoot }) => only === firstBoot);
}
