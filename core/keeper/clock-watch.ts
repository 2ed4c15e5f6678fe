import { MachineError, messageOf } from "../errors.ts";
import { execAsRoot } from "../guest-root.ts";
import { within } from "../limit.ts";
import { again } from "./again.ts";
import type { Parts } from "./parts.ts";
import type { Watch } from "./watch.ts";

/** Two clocks of the host, in milliseconds: the time of day, and one that only goes forward and stands still while the host sleeps. */
export interface HostClock {
  wall(): number;
  monotonic(): number;
  /** Calls back again and again until the returned function is called. */
  every(ms: number, call: () => void): () => void;
}

/** How often the two are compared. */
const everyMs = 2000;
/** A difference that is worth a look at the guest's clock. */
const jumpMs = 1000;
/** A guest's clock that is off by less is right. */
const rightMs = 1000;
/** How long the guest is tried to be reached. */
const reachMs = 60_000;

const hostClock: HostClock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  every(ms, call) {
    const timer = setInterval(call, ms).unref();
    return () => clearInterval(timer);
  },
};

/** Sets the guest's clock after the host has slept, and after the VM stood still: a guest knows of neither. */
export const watchClock: Watch = (parts) => followClock(parts, hostClock);

/** The watch with a clock of its own. */
export function followClock(parts: Parts, clock: HostClock, limitMs = reachMs): () => void {
  const { control } = parts;
  const over = new AbortController();
  const gap = (): number => clock.wall() - clock.monotonic();
  let before = gap();
  let isSetting = false;
  const check = async (): Promise<void> => {
    if (isSetting) return;
    isSetting = true;
    await mendClock(parts, over.signal, clock, limitMs);
    isSetting = false;
  };
  const offs = [
    clock.every(everyMs, () => {
      const now = gap();
      if (Math.abs(now - before) > jumpMs) void check();
      before = now;
    }),
    control.onEvent(({ event }) => {
      if (event === "RESUME") void check();
    }),
  ];
  return () => {
    for (const off of offs) off();
    over.abort();
  };
}

/** Sets the guest's clock where it is wrong. A failure is a problem of the machine. */
export async function mendClock(parts: Parts, signal: AbortSignal, clock = hostClock, limitMs = reachMs): Promise<void> {
  const { problems, journal } = parts;
  try {
    const offMs = await again(() => setClock(parts, clock), within(limitMs, signal), () => false);
    problems.clear("clock");
    if (offMs !== 0) journal.say("note", { about: "clock", text: `the guest's clock was ${inWords(offMs)}, and was set` });
  } catch (error) {
    if (!signal.aborted) problems.set("clock", `the guest's clock may be wrong: ${messageOf(error)}`);
  }
}

/** Sets the guest's clock where it is wrong, and tells by how much it was: above 0 where it was ahead. Throws where it is wrong afterwards. */
async function setClock(parts: Parts, clock: HostClock): Promise<number> {
  const { connections, plan: { ssh } } = parts;
  const found = await guestOffset(parts, clock);
  if (Math.abs(found.offMs) <= rightMs) return 0;
  // It takes half a round trip until the guest does it. busybox knows whole seconds alone.
  const seconds = Math.round((clock.wall() + found.tripMs / 2) / 1000);
  const { exitCode, stderr } = await execAsRoot(connections.shell(), ssh.user, ["date", "-u", "-s", `@${seconds}`]);
  if (exitCode !== 0) throw new MachineError("ssh", `date ended with exit status ${exitCode} in the guest: ${stderr.trim()}`);
  const left = await guestOffset(parts, clock);
  if (Math.abs(left.offMs) > 2 * rightMs) throw new MachineError("ssh", `it is ${inWords(left.offMs)} after it was set`);
  return found.offMs;
}

async function guestOffset({ connections }: Parts, clock: HostClock): Promise<{ readonly offMs: number; readonly tripMs: number }> {
  const asked = clock.wall();
  const { stdout } = await connections.shell().exec("date -u +%s.%N", { timeoutMs: 20_000 });
  const tripMs = clock.wall() - asked;
  const seconds = Number.parseFloat(stdout);
  if (!Number.isFinite(seconds)) throw new MachineError("ssh", `the guest tells no time, but ${JSON.stringify(stdout.slice(0, 60))}`);
  return { offMs: seconds * 1000 - (asked + tripMs / 2), tripMs };
}

function inWords(offMs: number): string {
  return `${(Math.abs(offMs) / 1000).toFixed(1)} s ${offMs > 0 ? "ahead" : "behind"}`;
}
