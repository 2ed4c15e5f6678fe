import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { codeOf, writeFileDurably } from "./atomic.ts";
import { MachineError } from "./errors.ts";
import { takeLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.ts";
import type { Run } from "./run.ts";
import { listRecords } from "./store.ts";

export { portHolder, type PortHolder } from "./port-holder.ts";

/** A port that was given out and stands in no record yet. */
interface Reservation {
  readonly port: number;
  readonly owner: ProcessIdentity;
}

/**
 * A tcp port of 127.0.0.1 for a machine's ssh: free now, in no machine's record, and given to nobody else as long as this process
 * lives; by then it stands in the record. Throws MachineError "busy" when another process holds the list of ports for long.
 */
export async function reservePort(paths: Paths, { signal }: Pick<Run, "signal">, propose: () => Promise<number> = anyFreePort): Promise<number> {
  const file = join(paths.data, "ports.json");
  const lock = await takeLock(join(paths.data, "locks/.ports"), { purpose: "choosing a port", subject: "the list of ports", signal });
  try {
    const reserved = readReservations(file).filter(({ owner }) => isAlive(owner));
    const taken = new Set([...reserved.map(({ port }) => port), ...listRecords(paths).records.flatMap((record) => [record.ssh.port, ...record.spec.ports.map(({ hostPort }) => hostPort)])]);
    let port = await propose();
    while (taken.has(port)) port = await propose();
    const owner = identityOf(process.pid);
    await writeFileDurably(file, `${JSON.stringify([...reserved, ...(owner ? [{ port, owner }] : [])])}\n`);
    return port;
  } finally {
    lock.release();
  }
}

/**
 * Whether a port of the host can be bound now.
 * Throws MachineError "bad-spec" when the address is not this host's, "host-limits" when the user may not bind the port.
 */
export function isPortFree(host: string, port: number, protocol: "tcp" | "udp"): Promise<boolean> {
  const bind = protocol === "tcp" ? bindTcp : bindUdp;
  return bind(host, port).then(() => true, (cause: unknown) => {
    const code = codeOf(cause);
    if (code === "EADDRINUSE") return false;
    if (code === "EACCES") {
      throw new MachineError("host-limits", `port ${port}/${protocol} may only be opened by root`, { cause, hint: "Publish a port above 1023; on Linux the limit is net.ipv4.ip_unprivileged_port_start." });
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") throw new MachineError("bad-spec", `${host} is no address of this host`, { cause, hint: "Publish on 127.0.0.1, 0.0.0.0 or an address that `ip addr` shows." });
    throw cause;
  });
}

function anyFreePort(): Promise<number> {
  return bindTcp("127.0.0.1", 0);
}

/** Binds and lets go at once; tells the port. */
function bindTcp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

function bindUdp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.on("error", (error) => socket.close(() => reject(error)));
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(port)));
  });
}

function readReservations(file: string): readonly Reservation[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(value) ? value.filter(isReservation) : [];
  } catch {
    return []; // none yet, or cut by a power failure: those who reserved are gone as well
  }
}

function isReservation(value: unknown): value is Reservation {
  if (typeof value !== "object" || value === null || !("port" in value) || !("owner" in value)) return false;
  return typeof value.port === "number" && typeof value.owner === "object" && value.owner !== null;
}
