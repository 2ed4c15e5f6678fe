import { messageOf } from "../errors.ts";
import { run } from "../ssh.ts";
import type { Parts } from "./parts.ts";
import type { Watch } from "./watch.ts";

/** How often the host's two clocks are compared. */
const everyMs = 5000;
/** A guest that is off by less is left to its own time service. */
const jumpMs = 1500;

/** The clocks of the host: the one on the wall, and one that only counts while the host is awake. */
export interface HostClocks {
  wall(): number;
  awake(): number;
}

/**
 * Sets the guest's clock when the host's has jumped: the host slept, and the guest with it, or somebody set the host's clock. The
 * guest's own time service would take its time, or find the gap too large.
 */
export const watchClock: Watch = (parts) => {
  const look = clockLook(parts, { wall: () => Date.now(), awake: () => performance.now() });
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
};

/** Compares the clocks with how they were when it was last called, and sets the guest's where they have jumped. Never rejects. */
export function clockLook({ plan, connections, journal, stopping }: Pick<Parts, "plan" | "connections" | "journal" | "stopping">, clocks: HostClocks): () => Promise<void> {
  let gap = clocks.wall() - clocks.awake();
  let busy = false;
  return async () => {
    const now = clocks.wall() - clocks.awake();
    const jumped = now - gap;
    if (busy || Math.abs(jumped) < jumpMs) return;
    busy = true;
    try {
      // What the guest gets is the time at which it is told; the login before it may take a while.
      const guest = await connections.as();
      const { exitCode, stderr } = await run(guest, setClockCommand(clocks.wall(), plan.ssh.user), { timeoutMs: 30_000, signal: stopping.signal });
      if (exitCode !== 0) throw new Error(stderr.trim() || `exit status ${exitCode}`);
      gap = now;
      journal.say("note", { about: "clock", text: `this host's clock jumped by ${Math.round(jumped / 1000)} s: the guest's was set` });
    } catch (error) {
      // It is tried again at the next look: after a sleep the connection may first have to break.
      journal.say("note", { about: "clock", text: `the guest's clock could not be set: ${messageOf(error)}` });
    } finally {
      busy = false;
    }
  };
}

/** Sets the guest's clock to a time in milliseconds since the epoch. busybox's date takes whole seconds alone. */
export function setClockCommand(timeMs: number, user: string): string {
  const sudo = user === "root" ? "" : "sudo -n ";
  return `${sudo}date -u -s @${(timeMs / 1000).toFixed(3)} > /dev/null 2>&1 || ${sudo}date -u -s @${Math.round(timeMs / 1000)} > /dev/null`;
}
