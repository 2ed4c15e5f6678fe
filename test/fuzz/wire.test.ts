import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { MachineError } from "../../core/errors.ts";
import { guestFindings } from "../../core/doctor/guest.ts";
import { processorVerdict } from "../../core/doctor/processor.ts";
import { readable } from "../../core/keeper/console.ts";
import { readPublished } from "../../core/keeper/engine.ts";
import { eventReader, parseEvents } from "../../core/keeper/event-reader.ts";
import { portOf, readForwards, refusalOf } from "../../core/keeper/forwards.ts";
import { encodeFrame, FrameDecoder, maxFrame } from "../../core/keeper/frames.ts";
import type { Keeper } from "../../core/keeper/keeper.ts";
import { LanDecoder, longestFrame } from "../../core/keeper/lan/frames.ts";
import { Qmp } from "../../core/keeper/qmp.ts";
import { checkReadyLine } from "../../core/keeper/ready.ts";
import { serveKeeper } from "../../core/keeper/server.ts";
import { makeTestFolder } from "../support/folders.ts";
import { fuzz, mutatedBytes, mutatedJson, mutatedText, patienceMs } from "../support/fuzz.ts";

function testFolder(): string {
  const { path, remove } = makeTestFolder();
  onTestFinished(remove);
  return path;
}

test("lines of QEMU's monitor", async () => {
  const path = join(testFolder(), "qmp.sock");
  let monitor: Socket | undefined;
  const server = createServer((socket) => {
    monitor = socket;
    socket.on("data", (bytes: Buffer) => {
      for (const line of bytes.toString().split("\n").filter(Boolean)) socket.write(`${JSON.stringify({ return: {}, id: (JSON.parse(line) as { id: number }).id })}\r\n`);
    });
  }).listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const qmp = await Qmp.open(path, 10_000);
  onTestFinished(() => qmp.end());
  let events = 0;
  qmp.onEvent(() => (events += 1));
  const lines = mutatedJson([{ return: {}, id: 99_999_999 }, { event: "SHUTDOWN", data: { guest: true, reason: "guest-shutdown" } }, { error: { class: "GenericError", desc: "x" }, id: 88_888_888 }, { QMP: { version: {} } }]);
  let sent = 0;
  await fuzz(lines, async (line) => {
    monitor?.write(`${line.replaceAll("\n", " ")}\r\n`);
    // Now and then whether it still answers.
    if ((sent += 1) % 100 === 0) expect(await qmp.execute("query-status")).toEqual({});
  }, { always: "taken" });
  expect(await qmp.execute("query-status")).toEqual({});
  expect(events).toBeGreaterThan(0);
}, patienceMs);

test("requests to the keeper", async () => {
  const path = join(testFolder(), "keeper.sock");
  const refuse = (): Promise<never> => Promise.reject(new MachineError("wrong-state", "the test's machine is not up"));
  const keeper = { status: () => ({ state: "running" }), ask() {}, up: Promise.resolve(), stop: refuse, openPort: refuse, closePort: refuse, openPorts: refuse, connection: refuse, journal: { follow: () => () => {} } } as unknown as Keeper;
  const server = await serveKeeper(keeper, path);
  onTestFinished(() => void server.close());
  const requests = mutatedJson([{ v: 1, op: "status" }, { v: 1, op: "ready" }, { v: 1, op: "stop", force: true, timeoutMs: 1 }, { v: 1, op: "exec", command: "true", pty: { term: "x", cols: 1, rows: 1 } }, { v: 1, op: "sftp" }, { v: 1, op: "port-add", port: { host: "127.0.0.1", hostPort: 1, guestPort: 2, protocol: "tcp" } }, { v: 1, op: "port-list" }]);
  await fuzz(requests, async (line) => {
    const socket = connect(path);
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString())).on("error", () => {});
    socket.end(`${line.replaceAll("\n", " ")}\n`);
    await once(socket, "close");
    const answer = JSON.parse(text) as { ok: boolean; error?: { code: string; message: string } };
    if (!answer.ok) throw new MachineError("keeper", answer.error?.message ?? "");
  });
}, patienceMs);

const pieces = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<readonly Buffer[]> => fc.tuple(bytes, fc.array(fc.nat(60), { maxLength: 4 })).map(([whole, cuts]) => {
  const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length])];
  return places.slice(1).map((end, index) => whole.subarray(places[index], end));
});

test("frames of the keeper's socket, however they are cut", async () => {
  const samples = [encodeFrame("stdout", Buffer.from("hello")), Buffer.concat([encodeFrame("stdin"), encodeFrame("exit", Buffer.from('{"exitCode":0}'))]), encodeFrame("window", Buffer.from('{"cols":80,"rows":24}'))];
  await fuzz(pieces(mutatedBytes(samples)), (chunks) => {
    const decoder = new FrameDecoder();
    for (const chunk of chunks) for (const { bytes } of decoder.push(chunk)) expect(bytes.length).toBeLessThanOrEqual(maxFrame);
  });
}, patienceMs);

test("frames of the machines' network, however they are cut", async () => {
  const frame = (length: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, length]), Buffer.alloc(length, 7)]);
  await fuzz(pieces(mutatedBytes([frame(60), Buffer.concat([frame(20), frame(14)]), frame(200)])), (chunks) => {
    const decoder = new LanDecoder();
    try {
      for (const chunk of chunks) for (const whole of decoder.push(chunk)) expect(whole.length).toBeLessThanOrEqual(longestFrame + 4);
    } catch (error) {
      // Its own word for a stream that is of no use any more; whoever reads it hangs up.
      if (error instanceof RangeError) throw new MachineError("keeper", error.message);
      throw error;
    }
  });
}, patienceMs);

test("what a forwarder lists, which whoever is in the guest writes", async () => {
  const samples = [[{ local: "127.0.0.1:2222", remote: "192.168.127.2:22", protocol: "tcp" }, { local: ":8080", remote: ":8080", protocol: "udp" }, { local: "/run/a.sock", remote: "tcp://192.168.127.2:80", protocol: "unix" }]];
  await fuzz(mutatedJson(samples), (text) => {
    for (const forward of readForwards(text)) {
      const port = portOf(forward);
      if (port) refusalOf(port, { allowed: "loopback", lowest: 1024 });
    }
  });
}, patienceMs);

test("what a guest's podman lists", async () => {
  const samples = [[{ Names: ["/web"], Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] }, { Names: null, Ports: null }]];
  await fuzz(mutatedJson(samples), (text) => {
    for (const { port, address, container } of readPublished(text, "/run/api.sock")) expect([port > 0 && port < 65_536, typeof address, typeof container]).toEqual([true, "string", "string"]);
  });
}, patienceMs);

test("what a guest tells doctor of itself", async () => {
  const asked = { name: "web", spec: { timezone: "Europe/Rome", volumes: [{ source: "/src", target: "/srv/a b", readOnly: false }], proxy: true }, host: { env: { http_proxy: "http://proxy" } }, before: 1_800_000_000, after: 1_800_000_001, certificates: 3 };
  const sample = ["1800000000.5", "../usr/share/zoneinfo/Europe/Rome", "/dev/vda1 100 50 50 99% /", "web.service a@b.timer", "/ /proc /srv/a\\040b", "http_proxy", "2"].join("\n");
  const processor = { name: "web", cpus: 2, launcher: "qemu", asked: { model: "host", features: ["aes", "sse4.1"], isHosts: true } };
  await fuzz(mutatedText([sample, "2\nQEMU Virtual CPU\nfpu aes sse4_1"], ["; touch x", "$(touch x)", "`touch x`", "\n", "'", "web.service; touch x"]), (said) => {
    const findings = [...guestFindings(said, asked), ...processorVerdict(said, processor).findings];
    for (const { id, what, fix } of findings) {
      expect(what, id).not.toMatch(/undefined|NaN|Infinity/);
      // What is to be typed holds nothing that a shell would make something of, but ours.
      expect(fix.replace("@$(date +%s)", "").replace("; or a larger one:", ""), id).not.toMatch(/[;$`'"|&<>()]/);
    }
  }, { always: "taken" });
}, patienceMs);

test("the ready line and the console of a guest", async () => {
  await fuzz(mutatedText(["Ready", "Failed the unit x failed", "Ready\r"]), checkReadyLine);
  await fuzz(mutatedText(["[    0.000000] Linux version 6.1\r\n\u001b[32m  OK  \u001b[0m Started x\r\n", "ignition[123]: CRITICAL : failed to fetch config\n"], ["\u001b[", "\u001bc", "\u009b31m", "\u0007"]), (text) => {
    // eslint-disable-next-line no-control-regex
    for (const line of readable(text)) expect(line).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  }, { always: "taken" });
}, patienceMs);

test("files of events", async () => {
  const line = JSON.stringify({ time: "2026-05-01T12:00:00.000Z", machine: "web", type: "state", state: "running" });
  await fuzz(mutatedText([`${line}\n${line}\n`, `${line}\n{"time":`]), (text) => {
    for (const { time, machine, type } of parseEvents(text)) expect([typeof time, typeof machine, typeof type]).toEqual(["string", "string", "string"]);
    const read = eventReader(() => {});
    read(text.slice(0, 10));
    read(text.slice(10));
  }, { always: "taken" });
}, patienceMs);
