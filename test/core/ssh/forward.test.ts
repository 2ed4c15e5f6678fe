import { once } from "node:events";
import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { forwardPort, forwardSocket, run, type Forward, type GuestConnection } from "../../../core/ssh.ts";
import { guestWithLogin, scratchFolder, type GuestWithLogin } from "../../fixtures/login.ts";
import { freePort } from "../../support/free-port.ts";

/** A server that the guest side leads to. It is cut off with the test. */
async function serve(where: string | number, onSocket: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  if (typeof where === "string") server.listen(where);
  else server.listen(where, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => new Promise<void>((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  }));
  return server;
}

/** All of a stream's text. Unlike node:stream/consumers it leaves the other direction open. */
function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk)).once("end", () => resolve(Buffer.concat(chunks).toString())).once("error", reject);
  });
}

/** Says what it got, once its input has ended; then it ends too. */
const answerAtEnd = (socket: Socket): void => void readAll(socket).then((got) => socket.end(`got ${got}`));

interface Carried extends GuestWithLogin {
  readonly listen: string;
  readonly guestPath: string;
  readonly forward: Forward;
  readonly errors: unknown[];
  readonly connection: GuestConnection;
  dial(): Socket;
}

/** A socket of the host that leads to one of the guest. */
async function carried(onSocket?: (socket: Socket) => void): Promise<Carried> {
  const folder = scratchFolder();
  const [listen, guestPath] = [join(folder, "host.sock"), join(folder, "guest.sock")];
  if (onSocket) await serve(guestPath, onSocket);
  const there = await guestWithLogin();
  const connection = await there.connect();
  const errors: unknown[] = [];
  const forward = await forwardSocket({ listen, guest: guestPath, connection: () => Promise.resolve(connection), onError: (error) => errors.push(error) });
  onTestFinished(() => forward.close());
  return {
    ...there, listen, guestPath, forward, errors, connection,
    dial() {
      const socket = connect({ path: listen, allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      return socket;
    },
  };
}

describe("a socket of the host", () => {
  it("is its owner's alone", async () => {
    const { listen } = await carried();
    expect((statSync(listen).mode & 0o777).toString(8)).toBe("600");
  });

  it("carries what the client sends, and after its end what the guest answers", async () => {
    const socket = (await carried(answerAtEnd)).dial();
    socket.end("a request");
    expect(await readAll(socket)).toBe("got a request");
  });

  it("carries on to the guest after the guest has ended its side", async () => {
    let got: Promise<string> = Promise.resolve("");
    const { dial } = await carried((socket) => {
      got = readAll(socket);
      socket.end("hello");
    });
    const socket = dial();
    expect(await readAll(socket)).toBe("hello");
    socket.end("still here");
    await once(socket, "close");
    expect(await got).toBe("still here");
  });

  it("carries many connections at once, each whole", async () => {
    const { dial } = await carried((socket) => socket.pipe(socket));
    const bodies = Array.from({ length: 12 }, (_, index) => String(index).repeat(300_000));
    const answers = await Promise.all(bodies.map((body) => {
      const socket = dial();
      socket.end(body);
      return readAll(socket);
    }));
    expect(answers.map((answer, index) => answer === bodies[index])).toEqual(bodies.map(() => true));
  });

  it("holds a fast sender back while the guest does not read", async () => {
    const size = 32 * 1024 * 1024;
    let guestSide: Socket | undefined;
    const { dial, connection } = await carried((socket) => (guestSide = socket.pause()));
    const socket = dial();
    for (let sent = 0; sent < size; sent += 1024 * 1024) socket.write(Buffer.alloc(1024 * 1024));
    socket.end();
    // Time enough for all of it, if nothing held it back.
    for (let round = 0; round < 10; round += 1) await run(connection, "sleep 0.05");
    expect(socket.writableLength).toBeGreaterThan(size / 2);
    let got = 0;
    guestSide?.on("data", (chunk: Buffer) => (got += chunk.length)).resume();
    await once(guestSide as unknown as Socket, "end");
    expect(got).toBe(size);
  });

  it("cuts the guest's side off when the client is gone", async () => {
    let guestSide: Socket | undefined;
    const { dial } = await carried((socket) => {
      guestSide = socket;
      socket.write("hello");
    });
    const socket = dial();
    await once(socket, "data");
    socket.destroy();
    const left = guestSide as unknown as Socket;
    left.resume();
    await once(left, "end");
    left.end();
    await once(left, "close");
  });

  it("closes a connection when the guest has no such socket, and says why", async () => {
    const { dial, errors, guestPath } = await carried();
    const socket = dial().resume();
    await once(socket, "end");
    expect(errors).toEqual([expect.objectContaining({ code: "ssh", message: expect.stringContaining(`cannot open the guest's socket ${guestPath}`) })]);
  });

  it("closes its connections when ssh is lost", async () => {
    const { dial, guest } = await carried((socket) => void socket.write("hello"));
    const socket = dial();
    await once(socket, "data");
    guest.drop();
    await once(socket, "end");
  });

  it("asks for the connection anew each time, so that a new one serves after a loss", async () => {
    const folder = scratchFolder();
    const [listen, guestPath] = [join(folder, "host.sock"), join(folder, "guest.sock")];
    await serve(guestPath, answerAtEnd);
    const { guest, connect: logIn } = await guestWithLogin();
    let current = await logIn();
    const forward = await forwardSocket({ listen, guest: guestPath, connection: async () => current });
    onTestFinished(() => forward.close());
    guest.drop();
    await current.closed;
    current = await logIn();
    const socket = connect({ path: listen, allowHalfOpen: true });
    socket.end("again");
    expect(await readAll(socket)).toBe("got again");
  });

  it("is gone when it is closed, and its connections with it", async () => {
    const { dial, forward, listen } = await carried((socket) => void socket.write("hello"));
    const socket = dial();
    await once(socket, "data");
    await Promise.all([forward.close(), once(socket, "end")]);
    expect(existsSync(listen)).toBe(false);
  });

  it("takes the place of a socket that nobody listens on", async () => {
    const folder = scratchFolder();
    const listen = join(folder, "s");
    const stale = createServer().listen(join(folder, "t"));
    await once(stale, "listening");
    renameSync(join(folder, "t"), listen);
    await new Promise((resolve) => stale.close(resolve));
    expect(existsSync(listen)).toBe(true);
    const forward = await forwardSocket({ listen, guest: "/none", connection: () => Promise.reject(new Error("none")) });
    expect((statSync(listen).mode & 0o777).toString(8)).toBe("600");
    await forward.close();
  });

  it("takes no place of a socket that another program listens on", async () => {
    const listen = join(scratchFolder(), "s");
    await serve(listen, () => {});
    await expect(forwardSocket({ listen, guest: "/none", connection: () => Promise.reject(new Error("none")) })).rejects.toMatchObject({ code: "busy", message: `another program listens on ${listen}` });
  });

  it("takes no place of a file", async () => {
    const listen = join(scratchFolder(), "s");
    writeFileSync(listen, "");
    await expect(forwardSocket({ listen, guest: "/none", connection: () => Promise.reject(new Error("none")) })).rejects.toMatchObject({ code: "conflict", message: `${listen} is there and is no socket` });
  });

  it("needs its folder", async () => {
    const listen = join(scratchFolder(), "none", "s");
    await expect(forwardSocket({ listen, guest: "/none", connection: () => Promise.reject(new Error("none")) })).rejects.toMatchObject({ code: "host-limits" });
  });
});

describe("a port of the host", () => {
  const port = (hostPort: number, guestPort: number, protocol: "tcp" | "udp" = "tcp") => ({ host: "127.0.0.1", hostPort, guestPort, protocol });
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  it("carries connections to that port of the guest", async () => {
    const guestPort = portOf(await serve(0, answerAtEnd));
    const hostPort = await freePort();
    const connection = await (await guestWithLogin()).connect();
    const forward = await forwardPort({ port: port(hostPort, guestPort), connection: async () => connection });
    const socket = connect({ host: "127.0.0.1", port: hostPort, allowHalfOpen: true });
    socket.end("a request");
    expect(await readAll(socket)).toBe("got a request");
    await forward.close();
    await expect(once(connect(hostPort, "127.0.0.1"), "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("must be free", async () => {
    const taken = portOf(await serve(0, () => {}));
    await expect(forwardPort({ port: port(taken, 80), connection: () => Promise.reject(new Error("none")) })).rejects.toMatchObject({ code: "port-taken", message: `port ${taken} of 127.0.0.1 is in use` });
  });

  it("must be of tcp", async () => {
    await expect(forwardPort({ port: port(5353, 53, "udp"), connection: () => Promise.reject(new Error("none")) })).rejects.toMatchObject({ code: "usage", message: "port 5353/udp cannot be carried over ssh, only tcp can" });
  });
});
