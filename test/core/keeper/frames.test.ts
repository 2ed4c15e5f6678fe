import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { encodeFrame, FrameDecoder, maxFrame, maxLine, readLine, sendFrames, type Frame } from "../../../core/keeper/frames.ts";
import { frameKinds, type FrameKind } from "../../../core/keeper/protocol.ts";
import { scratchFolder } from "../../fixtures/login.ts";

const kinds = Object.keys(frameKinds) as FrameKind[];

/** Two ends of a unix socket. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(join(scratchFolder(), "s"));
  await once(server, "listening");
  const near = connect(server.address() as string);
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  for (const socket of [near, far]) socket.on("error", () => {});
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

describe("a frame", () => {
  it.each<[FrameKind, string, string]>([
    ["stdin", "hi", "00 00000002 6869"],
    ["exit", '{"exitCode":0}', "03 0000000e 7b2265786974436f6465223a307d"],
    ["end", "", "06 00000000"],
    ["consumed", "\0\0\u0001\0", "09 00000004 00000100"],
  ])("of the kind %s is its kind, its length and its body", (kind, body, hex) => {
    expect(encodeFrame(kind, Buffer.from(body)).toString("hex")).toBe(hex.replaceAll(" ", ""));
  });

  it("comes out as it went in, however the bytes were split", () => {
    const frame = fc.record({ kind: fc.constantFrom(...kinds), bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) });
    fc.assert(fc.property(fc.array(frame, { maxLength: 12 }), fc.infiniteStream(fc.integer({ min: 1, max: 90 })), (frames, sizes) => {
      const bytes = Buffer.concat(frames.map(({ kind, bytes: body }) => encodeFrame(kind, body)));
      const decoder = new FrameDecoder();
      const found: Frame[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value;
        found.push(...decoder.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(found).toEqual(frames);
      expect(decoder.isMidFrame).toBe(false);
    }));
  });

  it("is waited for until its last byte", () => {
    const decoder = new FrameDecoder();
    const bytes = encodeFrame("stdout", Buffer.from("whole"));
    expect([...bytes.subarray(0, -1)].flatMap((byte) => decoder.push(Buffer.from([byte])))).toEqual([]);
    expect(decoder.isMidFrame).toBe(true);
    expect(decoder.push(bytes.subarray(-1))).toEqual([{ kind: "stdout", bytes: Buffer.from("whole") }]);
  });

  it("may be a mebibyte long and no longer", () => {
    const frames = new FrameDecoder().push(encodeFrame("stdin", Buffer.alloc(maxFrame)));
    expect(frames.map(({ kind, bytes }) => [kind, bytes.length])).toEqual([["stdin", maxFrame]]);
    expect(() => encodeFrame("stdin", Buffer.alloc(maxFrame + 1))).toThrow("at most 1048576 bytes expected, 1048577 found");
    expect(() => new FrameDecoder().push(Buffer.from("0000100001", "hex"))).toThrow("at most 1048576 bytes expected, 1048577 found");
  });

  it("of an unknown kind is refused", () => {
    expect(() => new FrameDecoder().push(Buffer.from("2a00000000", "hex"))).toThrow("a frame of the unknown kind 42");
  });
});

describe("sending", () => {
  it("splits what is too long for one frame, and waits for a reader that is slow", async () => {
    const { near, far } = await pair();
    const decoder = new FrameDecoder();
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => far.on("data", (chunk: Buffer) => {
      sizes.push(...decoder.push(chunk).map(({ bytes }) => bytes.length));
      if (sizes.length === 3) resolve();
    }));
    await sendFrames(near, "stdout", Buffer.alloc(2 * maxFrame + 5));
    await all;
    expect(sizes).toEqual([maxFrame, maxFrame, 5]);
  });

  it("gives up when the other side is gone", async () => {
    const { near, far } = await pair();
    far.pause();
    const sent = sendFrames(near, "stdout", Buffer.alloc(8 * maxFrame));
    far.destroy();
    await sent;
  });
});

describe("the first line", () => {
  it("is read to its line feed, and what follows stays with the socket", async () => {
    const { near, far } = await pair();
    near.end('{"v":1}\nthe rest');
    expect(await readLine(far)).toEqual({ line: '{"v":1}' });
    expect(await once(far, "data")).toEqual([Buffer.from("the rest")]);
    far.resume();
    await once(far, "end");
  });

  it("is put together from its parts", async () => {
    const { near, far } = await pair();
    const line = readLine(far);
    near.write("a ");
    await new Promise((resolve) => far.once("readable", resolve));
    near.write(Buffer.from("na\xc3", "latin1"));
    near.write(Buffer.from("\xafve line\n", "latin1"));
    expect(await line).toEqual({ line: "a naïve line" });
  });

  it("has a limit", async () => {
    const { near, far } = await pair();
    near.write(Buffer.alloc(maxLine + 1, "x"));
    await expect(readLine(far)).rejects.toMatchObject({ code: "keeper", message: expect.stringContaining("at most 262144 bytes expected") });
  });

  it.each(["", "half a li"])("must be there before the end: %j", async (text) => {
    const { near, far } = await pair();
    near.end(text);
    await expect(readLine(far)).rejects.toMatchObject({ code: "keeper", message: "the connection to the keeper ended before its first line did" });
  });
});
