import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** Below those that the system gives to connections (ip(7), ip_local_port_range): one of these stays free until somebody asks for it by number. */
const [lowest, highest] = [20_000, 32_000];

/** A port of the host's loopback that nobody has. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of some ports in a row that nobody has. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count));
    const servers = Array.from({ length: count }, (_, index) => createServer().listen(first + index, "127.0.0.1"));
    const bound = await Promise.allSettled(servers.map((server) => once(server, "listening")));
    await Promise.all(servers.filter((server) => server.listening).map((server) => new Promise((done) => server.close(done))));
    if (bound.every(({ status }) => status === "fulfilled")) return first;
  }
}

/** A port that this process holds. */
export interface HeldPort {
  readonly port: number;
  close(): Promise<void>;
}

/** Holds a port of the loopback, as a program of somebody else would. Default: one that is free. */
export async function holdPort(port = 0): Promise<HeldPort> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => new Promise((done) => void server.close(() => done())) };
}
