import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { MachineError } from "../errors.ts";
import type { ResolvedPort } from "../model.ts";
import type { GuestConnection } from "./connection.ts";

/** A listener of the host that is carried into the guest. */
export interface Forward {
  /** Stops listening and cuts off what is carried. */
  close(): Promise<void>;
}

export interface ForwardOptions {
  /** Called for each accepted connection; its rejection closes that connection alone. */
  connection(): Promise<GuestConnection>;
  /** Hears why a connection could not be carried. */
  onError?(error: unknown): void;
}

/**
 * Listens on a unix socket of the host, mode 0600, and carries each connection to one of the guest. A socket that nobody
 * listens on any more is replaced. Throws MachineError "busy" when another program listens there, and "conflict" when
 * the path is a file.
 */
export async function forwardSocket(options: ForwardOptions & { readonly listen: string; readonly guest: string }): Promise<Forward> {
  const { listen, guest } = options;
  await checkFree(listen);
  const { server, cut } = carryingServer(options, (connection) => connection.openSocket(guest));
  // Made in a folder of our own and moved: so nobody can connect before the mode is set.
  const folder = await mkdtemp(join(dirname(listen), "."));
  try {
    const made = join(folder, "s");
    await listening(server, () => server.listen(made));
    await chmod(made, 0o600);
    await rename(made, listen);
  } catch (cause) {
    server.close();
    throw new MachineError("host-limits", `cannot listen on the socket ${listen}: ${(cause as Error).message}`, { cause, hint: "Name a shorter path, in a folder that you may write to." });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    async close() {
      await rm(listen, { force: true });
      await cut();
    },
  };
}

/** Listens on a TCP port of the host and carries each connection to that port of the guest. Throws MachineError "port-taken", and "usage" for UDP. */
export async function forwardPort(options: ForwardOptions & { readonly port: ResolvedPort }): Promise<Forward> {
  const { host, hostPort, guestPort, protocol } = options.port;
  if (protocol !== "tcp") throw new MachineError("usage", `port ${hostPort}/${protocol} cannot be carried over ssh, only tcp can`, { hint: "Choose a forwarder that carries udp." });
  // By name, so that sshd tries 127.0.0.1 and ::1.
  const { server, cut } = carryingServer(options, (connection) => connection.openPort("localhost", guestPort));
  try {
    await listening(server, () => server.listen({ host, port: hostPort }));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new MachineError("port-taken", `port ${hostPort} of ${host} is in use`, { cause, hint: "Choose another port of the host, or end the program that holds it." });
    throw new MachineError("host-limits", `cannot listen on port ${hostPort} of ${host}: ${message}`, { cause, hint: code === "EACCES" ? "Ports below 1024 are root's; choose a higher one." : "Name an address that this host has." });
  }
  return { close: cut };
}

function carryingServer({ connection, onError }: ForwardOptions, open: (connection: GuestConnection) => Promise<Duplex>): { server: Server; cut(): Promise<void> } {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    connection().then(open).then((guest) => carry(socket, guest), (error: unknown) => {
      socket.destroy();
      onError?.(error);
    });
  });
  return {
    server,
    cut: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/**
 * Joins two streams. Each direction ends by itself: `docker attach` and `exec` end their input and go on reading. When
 * one stream breaks, the other is cut off, after it was given all that had come.
 */
export function carry(left: Duplex, right: Duplex): void {
  for (const [from, to] of [[left, right], [right, left]] as const) {
    from.once("error", () => to.destroy());
    from.once("close", () => {
      if (!from.readableEnded) to.destroy();
      else if (!from.writableFinished) {
        if (to.writableFinished) to.destroy();
        else to.once("finish", () => to.destroy());
      }
    });
    if (from.destroyed) to.destroy();
    else from.pipe(to);
  }
}

/** A socket file without a listener is no obstacle; anything else is. */
async function checkFree(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (!there) return;
  if (!there.isSocket()) throw new MachineError("conflict", `${path} is there and is no socket`, { hint: `Move ${basename(path)} away, or name another path.` });
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
    probe.once("connect", () => probe.destroy());
  });
  if (answers) throw new MachineError("busy", `another program listens on ${path}`, { hint: "End it, or name another path." });
}

function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    begin();
  });
}
