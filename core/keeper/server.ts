import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { MachineError, toErrorRecord } from "../errors.ts";
import { encodeFrame, readLine } from "./frames.ts";
import type { Keeper } from "./keeper.ts";
import { protocolVersion, type KeeperAnswer, type KeeperRequest } from "./protocol.ts";
import { serveExec, serveSftp } from "./streams.ts";

/** Listens on the keeper's socket and answers requests, one a connection. The socket is its owner's alone. */
export async function serveKeeper(keeper: Keeper, path: string): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    handle(keeper, socket).catch((error: unknown) => answer(socket, { ok: false, v: protocolVersion, error: toErrorRecord(error) }));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  chmodSync(path, 0o600);
  return server;
}

async function handle(keeper: Keeper, socket: Socket): Promise<void> {
  const { line } = await readLine(socket);
  const request = parseRequest(line);
  switch (request.op) {
    case "status":
      return answer(socket, { ok: true, v: protocolVersion, value: keeper.status() });
    case "ready":
      keeper.ask();
      await keeper.up;
      return answer(socket, { ok: true, v: protocolVersion, value: keeper.status() });
    case "stop":
      await keeper.stop(request.force, request.timeoutMs);
      return answer(socket, { ok: true, v: protocolVersion, value: null });
    case "port-add":
      await keeper.openPort(request.port);
      return answer(socket, { ok: true, v: protocolVersion, value: null });
    case "port-remove":
      await keeper.closePort(request.port);
      return answer(socket, { ok: true, v: protocolVersion, value: null });
    case "port-list":
      return answer(socket, { ok: true, v: protocolVersion, value: await keeper.openPorts() });
    case "share-add":
      return answer(socket, { ok: true, v: protocolVersion, value: await keeper.shares.add(request.share) });
    case "share-remove":
      await keeper.shares.remove(request.target);
      return answer(socket, { ok: true, v: protocolVersion, value: null });
    case "share-list":
      return answer(socket, { ok: true, v: protocolVersion, value: keeper.shares.list });
    case "share-lost":
      return answer(socket, { ok: true, v: protocolVersion, value: keeper.shares.lost });
    case "exec":
      return serveExec(socket, request, await keeper.connection(request.user));
    case "sftp":
      return serveSftp(socket, request, await keeper.connection(request.user));
    case "events": {
      socket.write(`${JSON.stringify({ ok: true, v: protocolVersion, value: null })}\n`);
      const off = keeper.journal.follow((event) => socket.write(encodeFrame("event", Buffer.from(JSON.stringify(event)))));
      socket.on("close", off);
      socket.resume();
      return;
    }
    default:
      throw new MachineError("keeper", `the keeper does not know the request ${JSON.stringify((request as { op: unknown }).op)}`, {
        hint: "It may be of another version: `glowplug restart` brings up one of this version.",
      });
  }
}

function parseRequest(line: string): KeeperRequest {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && typeof (value as { op?: unknown }).op === "string") return value as KeeperRequest;
  } catch {
    // Told below.
  }
  throw new MachineError("keeper", "the keeper got a request that is no JSON object with an op");
}

function answer(socket: Socket, value: KeeperAnswer): void {
  if (!socket.destroyed) socket.end(`${JSON.stringify(value)}\n`);
}
