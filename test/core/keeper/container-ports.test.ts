import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { watchContainerPorts } from "../../../core/keeper/container-ports.ts";
import { readPublished } from "../../../core/keeper/engine.ts";
import { formatPort } from "../../../core/keeper/expose.ts";
import { Journal } from "../../../core/keeper/journal.ts";
import type { Parts } from "../../../core/keeper/parts.ts";
import type { KeeperPlan } from "../../../core/keeper/plan.ts";
import { Ports } from "../../../core/keeper/ports.ts";
import { Problems } from "../../../core/keeper/problems.ts";
import type { GuestPorts, ResolvedPort } from "../../../core/model.ts";
import { scratchFolder } from "../../fixtures/login.ts";

interface Row {
  readonly IP?: string;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** An engine, and a machine whose forwarder opens ports by the VM's monitor. */
async function machine(options: { readonly publish?: boolean; readonly taken?: readonly number[]; readonly ports?: readonly ResolvedPort[]; readonly guestPorts?: GuestPorts } = {}) {
  const folder = scratchFolder();
  const socket = join(folder, "api.sock");
  let rows: readonly Row[] = [];
  const followers = new Set<ServerResponse>();
  const server = createServer((request, answer) => {
    if (request.url?.includes("/events")) {
      followers.add(answer.writeHead(200));
      answer.flushHeaders();
      answer.on("close", () => followers.delete(answer));
    } else answer.end(JSON.stringify([{ Names: ["/web"], Ports: rows }]));
  });
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });

  const lines: string[] = [];
  const carried = new Set<string>();
  const plan = { name: "box", ssh: { host: "127.0.0.1", port: 1 }, openAtStart: [], ports: options.ports ?? [], guestPorts: options.guestPorts ?? "any", expose: { kind: "monitor", add: "add {protocol}:{host}:{hostPort}", remove: "remove {protocol}:{host}:{hostPort}" },
    sockets: [{ host: socket, guest: "/run/api.sock", publish: options.publish ?? true }] } as unknown as KeeperPlan;
  const problems = new Problems();
  const ports = new Ports(plan, new Journal("box", join(folder, "events.jsonl")), problems, {
    async monitor(line) {
      if (options.taken?.some((port) => line.endsWith(`:${port}`))) return "could not set up host forwarding rule";
      lines.push(line);
      return "";
    },
    async carry(port) {
      carried.add(formatPort(port));
      return { close: async () => void carried.delete(formatPort(port)) };
    },
  });
  await ports.openPlanned();
  lines.length = 0;
  const end = watchContainerPorts({ plan, ports, problems } as unknown as Parts);
  onTestFinished(() => end());
  return {
    lines, carried, ports, problems, end, followers,
    publish(now: readonly Row[]) {
      rows = now;
      for (const follower of followers) follower.write(`${JSON.stringify({ Type: "container", Action: "start" })}\n`);
    },
    listed: async () => (await ports.list()).map(({ by, ...port }) => `${formatPort(port)} ${by}`),
  };
}

describe("ports of containers, where the guest cannot ask the forwarder", () => {
  it("are opened when a container starts and closed when it ends", async () => {
    const box = await machine();
    await vi.waitFor(() => expect(box.followers.size).toBe(1));
    box.publish([{ IP: "0.0.0.0", PublicPort: 8080, Type: "tcp" }, { IP: "", PublicPort: 5353, Type: "udp" }, { Type: "tcp" }]);
    await vi.waitFor(() => expect(box.lines).toEqual(["add tcp:0.0.0.0:8080", "add udp:127.0.0.1:5353"]));
    expect(await box.listed()).toEqual(["0.0.0.0:8080:8080/tcp guest", "127.0.0.1:5353:5353/udp guest"]);
    expect(box.ports.own).toEqual([]);
    box.publish([{ IP: "", PublicPort: 5353, Type: "udp" }]);
    await vi.waitFor(() => expect(box.lines.at(-1)).toBe("remove tcp:0.0.0.0:8080"));
    expect(await box.listed()).toEqual(["127.0.0.1:5353:5353/udp guest"]);
  });

  it("are found when the machine comes up with containers that run already", async () => {
    const box = await machine();
    box.publish([{ PublicPort: 8000, Type: "tcp" }]);
    await vi.waitFor(() => expect(box.lines).toEqual(["add tcp:127.0.0.1:8000"]));
  });

  it("are carried over ssh where the container listens on the guest's loopback alone", async () => {
    const box = await machine();
    box.publish([{ IP: "127.0.0.1", PublicPort: 5432, Type: "tcp" }]);
    await vi.waitFor(() => expect([...box.carried]).toEqual(["127.0.0.1:5432:5432/tcp"]));
    box.publish([]);
    await vi.waitFor(() => expect([...box.carried]).toEqual([]));
    expect(box.lines).toEqual([]);
  });

  it("of datagrams to the guest's loopback are told to be carried by nobody", async () => {
    const box = await machine();
    box.publish([{ IP: "127.0.0.1", PublicPort: 5353, Type: "udp" }, { IP: "", PublicPort: 5354, Type: "udp" }]);
    await vi.waitFor(() => expect(box.lines).toEqual(["add udp:127.0.0.1:5354"]));
    expect(box.problems.reasons).toEqual(["the port 127.0.0.1:5353:5353/udp of container web is not open: no udp is carried to the guest's loopback; publish the port without an address, and the host has it on its own loopback"]);
    expect([...box.carried]).toEqual([]);
  });

  it("that are taken on the host make the machine unwell, as long as they are published", async () => {
    const box = await machine({ taken: [8080] });
    box.publish([{ PublicPort: 8080, Type: "tcp" }, { PublicPort: 8081, Type: "tcp" }]);
    await vi.waitFor(() => expect(box.problems.reasons).toEqual([
      "the port 127.0.0.1:8080:8080/tcp of container web is not open: cannot open 127.0.0.1:8080:8080/tcp: could not set up host forwarding rule",
    ]));
    await vi.waitFor(() => expect(box.lines).toEqual(["add tcp:127.0.0.1:8081"]));
    box.publish([]);
    await vi.waitFor(() => expect(box.problems.reasons).toEqual([]));
  });

  it("leave the machine's own ports alone", async () => {
    const own = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" } as const;
    const box = await machine({ ports: [own] });
    box.publish([{ PublicPort: 8080, Type: "tcp" }]);
    await vi.waitFor(() => expect(box.problems.reasons).toEqual(["the port 127.0.0.1:8080:8080/tcp of container web is not open: the machine itself publishes that port"]));
    box.publish([]);
    await vi.waitFor(() => expect(box.problems.reasons).toEqual([]));
    expect([box.lines, box.ports.own]).toEqual([[], [own]]);
  });

  it("are asked for again when the engine hung up", async () => {
    const box = await machine();
    await vi.waitFor(() => expect(box.followers.size).toBe(1));
    const [first] = box.followers;
    first?.destroy();
    await vi.waitFor(() => expect([...box.followers].filter((follower) => follower !== first)).toHaveLength(1), { timeout: 5000 });
    box.publish([{ PublicPort: 8000, Type: "tcp" }]);
    await vi.waitFor(() => expect(box.lines).toEqual(["add tcp:127.0.0.1:8000"]));
  });

  it("are not opened where the guest may not have them, and that is told", async () => {
    const box = await machine({ guestPorts: "loopback" });
    box.publish([{ IP: "0.0.0.0", PublicPort: 8080, Type: "tcp" }, { IP: "", PublicPort: 8081, Type: "tcp" }]);
    await vi.waitFor(() => expect(box.lines).toEqual(["add tcp:127.0.0.1:8081"]));
    expect(box.problems.reasons).toEqual(["the port 0.0.0.0:8080:8080/tcp of container web is not open: the guest may open ports of the loopback alone"]);
  });

  it("are nobody's business where the guest may open none, and where the guest asks the forwarder", async () => {
    for (const options of [{ publish: false }, { guestPorts: "none" }] as const) {
      const box = await machine(options);
      await box.end();
      expect(box.followers.size).toBe(0);
    }
  });
});

describe("an engine's list of containers", () => {
  it.each(["", "<html>", "{}", "null", '"text"'])("that is %j is refused", (text) => {
    expect(() => readPublished(text, "/run/api.sock")).toThrowError(expect.objectContaining({ code: "podman-api", message: expect.stringContaining("/run/api.sock does not tell its ports: its list of containers is no ") as string }));
  });

  it.each([["[null]"], ['[{"Ports":null}]'], ['[{"Ports":[null,{"PublicPort":"80","Type":"tcp"},{"PublicPort":0,"Type":"tcp"},{"PublicPort":80,"Type":"sctp"},{"IP":7,"PublicPort":80,"Type":"tcp"}]}]']])("with nothing of use in %s has no ports", (text) => {
    expect(readPublished(text, "/run/api.sock")).toEqual([]);
  });
});
