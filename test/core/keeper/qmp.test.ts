import { mkdtempSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Qmp } from "../../../core/keeper/qmp.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A monitor that answers by the given function. */
async function monitor(answer: (message: { execute: string; id: number; arguments?: Record<string, unknown> }, socket: Socket) => void): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), "gp-")), "qmp.sock");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
    let rest = "";
    socket.on("data", (bytes: Buffer) => {
      rest += bytes.toString();
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        answer(JSON.parse(rest.slice(0, end)), socket);
        rest = rest.slice(end + 1);
      }
    });
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closers.push(() => server.close());
  return path;
}

const say = (socket: Socket, value: unknown): boolean => socket.write(`${JSON.stringify(value)}\r\n`);

describe("QEMU's monitor", () => {
  it("matches answers with commands whatever their order", async () => {
    const held: (() => void)[] = [];
    const qmp = await Qmp.open(await monitor(({ execute, id }, socket) => {
      if (execute === "qmp_capabilities") say(socket, { return: {}, id });
      else held.push(() => say(socket, { return: execute, id }));
      if (held.length === 2) for (const send of held.reverse()) send();
    }), 1000);
    expect(await Promise.all([qmp.execute("first"), qmp.execute("second")])).toEqual(["first", "second"]);
    qmp.end();
  });

  it("hands on what the VM says of a refused command", async () => {
    const qmp = await Qmp.open(await monitor(({ execute, id }, socket) => {
      say(socket, execute === "qmp_capabilities" ? { return: {}, id } : { error: { class: "GenericError", desc: "no such device" }, id });
    }), 1000);
    await expect(qmp.execute("device_del")).rejects.toThrow("the VM refused device_del: no such device");
    qmp.end();
  });

  it("waits for the event that a step names, and takes no other for it", async () => {
    const order: string[] = [];
    const qmp = await Qmp.open(await monitor(({ execute, id }, socket) => {
      say(socket, { return: {}, id });
      if (execute !== "device_del") return;
      for (const event of [{ event: "RESUME" }, { event: "DEVICE_DELETED", data: { path: "/a/part" } }, { event: "DEVICE_DELETED", data: { device: "nic0", path: "/a" } }]) say(socket, event);
    }), 1000);
    qmp.onEvent(({ event, data }) => order.push(`${event} ${String(data?.["path"])}`));
    await qmp.step({ execute: "device_del", arguments: { id: "nic0" }, awaitEvent: { name: "DEVICE_DELETED", data: { device: "nic0" } } }).then(() => order.push("done"));
    expect(order).toEqual(["RESUME undefined", "DEVICE_DELETED /a/part", "DEVICE_DELETED /a", "done"]);
    qmp.end();
  });

  it("waits no longer for an event than it is told, nor for one of a VM that is gone", async () => {
    const path = await monitor(({ execute, id }, socket) => {
      say(socket, { return: {}, id });
      if (execute === "quit") socket.end();
    });
    const qmp = await Qmp.open(path, 1000);
    const step = (execute: string, limitMs: number): Promise<void> => qmp.step({ execute, awaitEvent: { name: "DEVICE_DELETED" } }, limitMs);
    await expect(step("device_del", 30)).rejects.toMatchObject({ code: "deadline", message: "the VM did not report DEVICE_DELETED within 0.03 s" });
    await expect(step("quit", 10_000)).rejects.toMatchObject({ code: "vm-exited" });
  });

  it("fails the commands under way when the VM goes", async () => {
    const qmp = await Qmp.open(await monitor(({ execute, id }, socket) => {
      if (execute === "qmp_capabilities") say(socket, { return: {}, id });
      else socket.destroy();
    }), 1000);
    await expect(qmp.execute("quit")).rejects.toMatchObject({ code: "vm-exited" });
    await qmp.closed;
    await expect(qmp.execute("again")).rejects.toMatchObject({ code: "vm-exited" });
  });

  it("gives up on a monitor that never answers", async () => {
    await expect(Qmp.open(await monitor(() => {}), 50)).rejects.toMatchObject({ code: "deadline" });
  });

  it("passes over lines that are no JSON objects", async () => {
    const qmp = await Qmp.open(await monitor(({ id }, socket) => {
      socket.write("garbage\r\n[1]\r\n\r\n");
      say(socket, { return: {}, id });
    }), 1000);
    expect(await qmp.execute("anything")).toEqual({});
    qmp.end();
  });
});
