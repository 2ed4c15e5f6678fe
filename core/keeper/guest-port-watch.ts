import { pause } from "./again.ts";
import { ruleOf } from "./forwards.ts";
import type { Watch } from "./watch.ts";

/** So long may be open what the guest may not open. A port that was opened and lost within this time is not remembered. */
const everyMs = 1000;

/**
 * Looks at what the guest has asked its forwarder for, which nothing tells: to close what it may not have, and because only the forwarder
 * knows it, and may be lost.
 */
export const watchGuestPorts: Watch = ({ ports, plan: { expose, guestPorts } }) => {
  const over = new AbortController();
  const rule = ruleOf(guestPorts);
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // A forwarder that does not answer is about to be replaced.
      await ports.guard(rule).catch(() => {});
      await pause(everyMs, over.signal);
    }
  };
  if (expose.kind === "http" && expose.list !== undefined) void look();
  return () => over.abort();
};
