import type { Parts } from "./parts.ts";

/** Accompanies a machine that is up. Begins at once, must not throw, and returns what ends it. */
export type Watch = (parts: Parts) => () => Promise<void> | void;
