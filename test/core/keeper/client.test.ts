import { createServer } from "node:net";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MachineError } from "../../../core/errors.ts";
import { askKeeper, openStream } from "../../../core/keeper/client.ts";
import { encodeFrame, encodeJson, type Frame } from "../../../core/keeper/frames.ts";
import { protocolVersion, type KeeperRequest } from "../../../core/keeper/protocol.ts";
import { answerLine, startKeeperSocket } from "../../fixtures/keeper.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const status: KeeperRequest = { v: protocolVersion, op: "status" };
const events: KeeperRequest = { v: protocolVersion, op: "events" };

describe("asking a keeper", () => {
  it("sends the request as one line and returns the answer's value", async () => {
    const requests: KeeperRequest[] = [];
    const path = await startKeeperSocket((socket, request) => {
      requests.push(request);
      socket.end(answerLine({ pid: 7 }));
    });
    expect(await askKeeper(path, status)).toEqual({ pid: 7 });
    expect(requests).toEqual([status]);
  });

  it("throws the keeper's own error", async () => {
    const path = await startKeeperSocket(() => {
      throw new MachineError("port-taken", "port 80 is taken", { hint: "Choose another." });
    });
    await expect(askKeeper(path, status)).rejects.toMatchObject({ name: "MachineError", code: "port-taken", message: "port 80 is taken", hint: "Choose another." });
  });

  it("tells when there is no socket", async () => {
    const path = join(scratchFolder(), "none.sock");
    await expect(askKeeper(path, status)).rejects.toMatchObject({ code: "keeper", message: `no keeper answers on ${path}` });
  });

  it("tells when nobody listens on the socket any more", async () => {
    const folder = scratchFolder();
    const server = createServer().listen(join(folder, "made"));
    await once(server, "listening");
    renameSync(join(folder, "made"), join(folder, "left"));
    await new Promise((resolve) => server.close(resolve));
    await expect(askKeeper(join(folder, "left"), status)).rejects.toMatchObject({ code: "keeper", message: `no keeper answers on ${folder}/left` });
  });

  it("tells when the connection ends without an answer", async () => {
    const path = await startKeeperSocket((socket) => void socket.end());
    await expect(askKeeper(path, status)).rejects.toMatchObject({ code: "keeper", message: "the connection to the keeper ended before its first line did" });
  });

  it.each(["hello\n", "[]\n", "{}\n"])("tells when the answer is none: %j", async (text) => {
    const path = await startKeeperSocket((socket) => void socket.end(text));
    await expect(askKeeper(path, status)).rejects.toMatchObject({ code: "keeper", message: `the keeper's answer is none: ${text.trim()}` });
  });

  it("waits no longer than it may", async () => {
    const path = await startKeeperSocket(() => {});
    await expect(askKeeper(path, status, { timeoutMs: 50 })).rejects.toMatchObject({ code: "deadline", message: 'the keeper did not answer "status" within 0.05 s' });
  });

  it.each([["before it began", AbortSignal.abort()], ["while it waits", AbortSignal.timeout(30)]])("is interrupted %s", async (_when, signal) => {
    const path = await startKeeperSocket(() => {});
    await expect(askKeeper(path, status, { signal })).rejects.toMatchObject({ code: "interrupted" });
  });

  it("takes a status from a keeper of another version, and nothing else", async () => {
    const path = await startKeeperSocket((socket) => void socket.end(answerLine("old", 0)));
    expect(await askKeeper(path, status)).toBe("old");
    await expect(askKeeper(path, events)).rejects.toMatchObject({ code: "keeper", message: "the machine's keeper is of another version: protocol 1 expected, 0 found" });
  });
});

describe("a stream", () => {
  const collect = async (frames: AsyncIterable<Frame>, into: string[]): Promise<void> => {
    for await (const { kind, bytes } of frames) into.push(`${kind} ${bytes.toString()}`);
  };

  it("gives the frames after the answer, and ends with the connection", async () => {
    const path = await startKeeperSocket((socket) => void socket.end(Buffer.concat([Buffer.from(answerLine("first")), encodeFrame("event", Buffer.from("a")), encodeFrame("event", Buffer.from("b"))])));
    const stream = await openStream(path, events);
    const got: string[] = [];
    await collect(stream.frames, got);
    expect([stream.value, ...got]).toEqual(["first", "event a", "event b"]);
  });

  it("throws the error that an error frame holds", async () => {
    const path = await startKeeperSocket((socket) => void socket.end(Buffer.concat([Buffer.from(answerLine(null)), encodeFrame("event", Buffer.from("a")), encodeJson("error", { code: "ssh", message: "lost" })])));
    const got: string[] = [];
    await expect(collect((await openStream(path, events)).frames, got)).rejects.toMatchObject({ code: "ssh", message: "lost" });
    expect(got).toEqual(["event a"]);
  });

  it("tells when the connection is lost in the middle of a frame", async () => {
    const path = await startKeeperSocket((socket) => void socket.end(Buffer.concat([Buffer.from(answerLine(null)), encodeFrame("event", Buffer.from("abc")).subarray(0, 6)])));
    await expect(collect((await openStream(path, events)).frames, [])).rejects.toMatchObject({ code: "keeper", message: "the connection to the keeper was lost in the middle of a frame" });
  });

  it("is interrupted by its signal", async () => {
    const path = await startKeeperSocket((socket) => void socket.write(answerLine(null)));
    const over = new AbortController();
    const stream = await openStream(path, events, { signal: over.signal });
    const reading = collect(stream.frames, []);
    over.abort();
    await expect(reading).rejects.toMatchObject({ code: "interrupted" });
  });

  it("is closed by leaving the loop", async () => {
    let gone: Promise<unknown> = Promise.resolve();
    const path = await startKeeperSocket((socket) => {
      gone = once(socket.resume(), "close");
      socket.write(Buffer.concat([Buffer.from(answerLine(null)), encodeFrame("event", Buffer.from("a"))]));
    });
    const stream = await openStream(path, events);
    for await (const frame of stream.frames) {
      expect(frame.kind).toBe("event");
      break;
    }
    await gone;
  });
});
