import { pause } from "./again.ts";
import type { Watch } from "./watch.ts";

/** A port that was opened and lost within this time is not remembered. */
const everyMs = 2000;

/** Remembers which ports the guest has asked its forwarder for: only the forwarder knows them, and it may be lost. */
export const watchGuestPorts: Watch = ({ ports, plan: { expose } }) => {
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // A forwarder that does not answer is about to be replaced.
      await ports.remember().catch(() => {});
      await pause(everyMs, over.signal);
    }
  };
  if (expose.kind === "http" && expose.list !== undefined) void look();
  return () => over.abort();
};
