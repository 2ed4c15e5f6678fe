import { watchClock } from "./clock-watch.ts";
import { watchContainerPorts } from "./container-ports.ts";
import { watchDisk } from "./disk-watch.ts";
import { watchGuestPorts } from "./guest-port-watch.ts";
import { watchPanic } from "./panic-watch.ts";
import { watchReboots } from "./reboot-watch.ts";
import { watchShares } from "./share-watch.ts";
import { superviseHelpers } from "./supervise.ts";
import type { Watch } from "./watch.ts";

/** Begun in this order once the machine is up, and ended in the reverse order before it goes down. */
export const watches: readonly Watch[] = [superviseHelpers, watchShares, watchPanic, watchReboots, watchClock, watchDisk, watchGuestPorts, watchContainerPorts];
