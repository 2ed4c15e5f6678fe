import { watchContainerPorts } from "./container-ports.ts";
import { watchHelpers } from "./helper-watch.ts";
import type { Watch } from "./watch.ts";

/** Begun in this order once the machine is up, and ended in the reverse order before it goes down. */
export const watches: readonly Watch[] = [watchHelpers, watchContainerPorts];
