import { MachineError, messageOf } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import { pause } from "./again.ts";
import { followContainers, publishedPorts, type PublishedPort } from "./engine.ts";
import { formatPort, portKey } from "./expose.ts";
import { refusalOf, ruleOf } from "./forwards.ts";
import type { Parts } from "./parts.ts";
import type { Watch } from "./watch.ts";

/** Pause before an engine that hung up is asked again. */
const pauseMs = 1000;
/** One container brings several events: they are answered together. */
const settleMs = 50;

/**
 * Opens the ports that containers publish in the guest, and closes them again, as the engines behind the plan's sockets tell. For
 * forwarders that the guest cannot ask.
 */
export const watchContainerPorts: Watch = (parts) => {
  const over = new AbortController();
  const engines = parts.plan.guestPorts === "none" ? [] : parts.plan.sockets.filter(({ publish }) => publish === true).map(({ host }) => follow(host, parts, over.signal));
  return async () => {
    over.abort();
    await Promise.all(engines);
  };
};

async function follow(socket: string, parts: Parts, signal: AbortSignal): Promise<void> {
  const known = new Map<string, KnownPort>();
  let wanted = Promise.resolve();
  let due: NodeJS.Timeout | undefined;
  const look = (): void => {
    wanted = wanted.then(async () => adjust(await publishedPorts(socket, signal), known, parts)).catch(() => {}); // an engine that is gone is asked again
  };
  while (!signal.aborted) {
    await followContainers(socket, signal, {
      begun: look,
      changed: () => {
        due ??= setTimeout(() => {
          due = undefined;
          look();
        }, settleMs);
      },
    }).catch(() => {});
    await pause(pauseMs, signal);
  }
  clearTimeout(due);
  await wanted;
}

/** A port that is published, and whether it could be opened. */
interface KnownPort {
  readonly port: ResolvedPort;
  readonly isOpen: boolean;
}

/** Brings what is open in line with what is published. A port that cannot be opened is a problem of the machine as long as it is published. */
async function adjust(published: readonly PublishedPort[], known: Map<string, KnownPort>, { ports, problems, plan: { guestPorts } }: Parts): Promise<void> {
  const rule = ruleOf(guestPorts);
  const wanted = new Map(published.map((one) => [portKey(portOf(one)), one]));
  for (const [key, { port, isOpen }] of [...known]) {
    if (wanted.has(key)) continue;
    known.delete(key);
    problems.clear(key);
    if (isOpen) await ports.close(port).catch(() => {}); // a forwarder that was replaced has no such port
  }
  for (const [key, one] of wanted) {
    if (known.get(key)?.isOpen) continue;
    const port = portOf(one);
    known.set(key, { port, isOpen: false });
    try {
      const why = refusalOf(port, rule) ?? unreachable(one);
      if (why !== undefined) throw new MachineError("host-limits", why);
      // What listens on the guest's loopback alone is not reached through its network card.
      await ports.open(port, { by: "guest", carry: isLoopback(one.address) });
      known.set(key, { port, isOpen: true });
      problems.clear(key);
    } catch (error) {
      problems.set(key, `the port ${formatPort(port)} of container ${one.container} is not open: ${messageOf(error)}`);
    }
  }
}

/** Why nobody gets to a port of the guest: ssh, which alone leads to its loopback, carries no datagrams. */
function unreachable({ address, protocol }: PublishedPort): string | undefined {
  return protocol === "udp" && isLoopback(address) ? "no udp is carried to the guest's loopback; publish the port without an address, and the host has it on its own loopback" : undefined;
}

/** Bound on the host as it is in the guest; on the loopback where no address is named. */
function portOf({ address, port, protocol }: PublishedPort): ResolvedPort {
  return { host: address === "" ? "127.0.0.1" : address, hostPort: port, guestPort: port, protocol };
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
