import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Exposer } from "../../../core/keeper/expose.ts";

const context = { monitor: () => Promise.resolve(""), carry: () => Promise.resolve({ close: () => Promise.resolve() }) };

test("a forwarder that cannot be asked has nothing to list", async () => {
  expect(await new Exposer({ kind: "ssh" }, context).list()).toEqual([]);
  expect(await new Exposer({ kind: "monitor", add: "", remove: "" }, context).list()).toEqual([]);
  expect(await new Exposer({ kind: "ssh" }, context).forwards()).toBeUndefined();
});

test("one that answers with an error, or not at all, is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gp-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socket = join(folder, "api");
  const call = { path: "/x", body: {} };
  const exposer = new Exposer({ kind: "http", socket, add: call, remove: call, list: "/all" }, context);
  await expect(exposer.list()).rejects.toMatchObject({ code: "helper-exited", message: expect.stringContaining("does not answer") as string });
  const server = createServer((_request, answer) => answer.writeHead(500).end("no luck\n"));
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => void server.close());
  await expect(exposer.list()).rejects.toMatchObject({ code: "helper-exited", message: "the forwarder does not tell its ports: no luck" });
  await expect(exposer.open({ host: "127.0.0.1", hostPort: 1, guestPort: 1, protocol: "tcp" })).rejects.toMatchObject({ code: "port-taken", message: "cannot open 127.0.0.1:1:1/tcp: no luck" });
});

test("a port that was not opened here stays open where the forwarder can close none, and that is said", async () => {
  const exposer = new Exposer({ kind: "ssh" }, context);
  const port = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" } as const;
  await exposer.open(port);
  await exposer.close(port);
  await expect(exposer.close(port)).rejects.toMatchObject({
    code: "wrong-state", message: "127.0.0.1:8080:80/tcp stays open as long as the machine runs: its forwarder opened it at the start, and can close none",
  });
});

test("a port that the forwarder may not open is carried over ssh, and it is not expected to list it", async () => {
  const carried: number[] = [];
  const call = { path: "/x", body: { local: "{host}:{hostPort}", remote: "192.168.127.2:{guestPort}", protocol: "{protocol}" } };
  const exposer = new Exposer({ kind: "http", socket: "/nowhere", add: call, remove: call, lowestPort: 1024 }, { ...context, carry: async ({ hostPort }) => {
    carried.push(hostPort);
    return { close: async () => void carried.pop() };
  } });
  const port = (hostPort: number) => ({ host: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp" }) as const;
  await exposer.open(port(1023));
  expect([carried, exposer.isForwarders(port(1023))]).toEqual([[1023], false]);
  await exposer.close(port(1023));
  expect(carried).toEqual([]);
  await expect(exposer.open(port(1024))).rejects.toMatchObject({ code: "helper-exited" });
  expect([exposer.forwardOf(port(1023)), exposer.forwardOf(port(1024))]).toEqual([undefined, { local: "127.0.0.1:1024", remote: "192.168.127.2:80", protocol: "tcp" }]);
});
