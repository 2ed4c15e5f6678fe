import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseLsof, parseSockets } from "../../core/port-holder.ts";
import { isPortFree, portHolder, reservePort } from "../../core/ports.ts";
import { writeRecord } from "../../core/store.ts";
import { makeTestFolder, type TestFolder } from "../support/folders.ts";
import { sampleRecord } from "../support/record.ts";
import { makeTestRun } from "../support/run.ts";

let folder: TestFolder;
beforeEach(() => { folder = makeTestFolder(); });
afterEach(() => folder.remove());

async function listen(host: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

describe("a reserved port", () => {
  test("is given to one alone, however many ask at once, and can be bound", async () => {
    const run = makeTestRun(folder);
    const ports = await Promise.all(Array.from({ length: 10 }, () => reservePort(run.paths, run)));
    expect(new Set(ports).size).toBe(10);
    expect(await Promise.all(ports.map((port) => isPortFree("127.0.0.1", port, "tcp")))).toEqual(Array(10).fill(true));
    expect((JSON.parse(readFileSync(join(run.paths.data, "ports.json"), "utf8")) as { port: number }[]).map(({ port }) => port).sort()).toEqual(ports.sort());
  });

  test("is free for others again when the process that asked has ended", async () => {
    const run = makeTestRun(folder);
    await reservePort(run.paths, run);
    const file = join(run.paths.data, "ports.json");
    writeFileSync(file, JSON.stringify([{ port: 1, owner: { pid: 4_000_000, startTime: "1", bootId: "x" } }, "odd"]));
    const port = await reservePort(run.paths, run);
    expect((JSON.parse(readFileSync(file, "utf8")) as { port: number }[]).map((one) => one.port)).toEqual([port]);
  });

  test("is none that a machine has in its record", async () => {
    const run = makeTestRun(folder);
    const sample = sampleRecord(run.paths, "web");
    const ports = [{ host: "127.0.0.1", hostPort: 40_002, guestPort: 80, protocol: "tcp" as const }];
    await writeRecord(run.paths, { ...sample, ssh: { ...sample.ssh, port: 40_001 }, spec: { ...sample.spec, ports } });
    const proposals = [40_001, 40_002, 40_003, 40_003, 40_004];
    const propose = async (): Promise<number> => proposals.shift() ?? 0;
    expect([await reservePort(run.paths, run, propose), await reservePort(run.paths, run, propose)]).toEqual([40_003, 40_004]);
  });
});

describe("isPortFree", () => {
  test.each(["127.0.0.1", "0.0.0.0"])("tells a port that is taken on %s", async (host) => {
    const { server, port } = await listen(host);
    try {
      expect(await isPortFree("127.0.0.1", port, "tcp")).toBe(false);
      expect(await isPortFree("127.0.0.1", port, "udp")).toBe(true);
    } finally {
      server.close();
      await once(server, "close");
    }
    expect(await isPortFree("127.0.0.1", port, "tcp")).toBe(true);
  });

  test("tells a taken udp port", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    try {
      expect(await isPortFree("127.0.0.1", socket.address().port, "udp")).toBe(false);
    } finally {
      socket.close();
    }
  });

  test("an address of another host is the spec's mistake", async () => {
    await expect(isPortFree("192.0.2.1", 40_000, "tcp")).rejects.toMatchObject({ code: "bad-spec", message: "192.0.2.1 is no address of this host" });
    await expect(isPortFree("192.0.2.1", 40_000, "udp")).rejects.toMatchObject({ code: "bad-spec", message: "192.0.2.1 is no address of this host" });
  });
});

describe("portHolder", () => {
  test("names the process that listens, also one of another family", async () => {
    const script = 'const s = require("net").createServer().listen(0, process.argv[1], () => console.log(s.address().port))';
    for (const host of ["127.0.0.1", "::1"]) {
      const child = spawn(process.execPath, ["-e", script, host], { stdio: ["ignore", "pipe", "ignore"] });
      try {
        const [line] = (await once(child.stdout, "data")) as [Buffer];
        expect(portHolder(Number(line.toString()))).toEqual({ pid: child.pid, name: expect.stringMatching(/^node|^MainThread/) });
      } finally {
        child.kill("SIGKILL");
      }
    }
  });

  test("names the process of a udp port, and nobody for a free one", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    expect(portHolder(port, "udp")?.pid).toBe(process.pid);
    socket.close();
    await once(socket, "close");
    expect(portHolder(port, "udp")).toBeUndefined();
  });

  test("reads the kernel's table: only listening sockets of that very port", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0",
      "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0 0 10 0",
      "   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100 0 0 10 0",
      "   3: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 444 1 0 100 0 0 10 0",
    ].join("\n");
    expect([parseSockets(table, 8080, "tcp"), parseSockets(table, 8081, "tcp"), parseSockets(table, 80, "tcp")]).toEqual([["111"], ["333"], []]);
  });

  test.each([
    ["p501\ncnginx\nf6\np502\ncother\n", { pid: 501, name: "nginx" }],
    ["p501\ncGoogle Chrome\n", { pid: 501, name: "Google Chrome" }],
    ["", undefined],
  ])("reads lsof's words %j", (text, holder) => {
    expect(parseLsof(text)).toEqual(holder);
  });
});
