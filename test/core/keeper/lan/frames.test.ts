import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { destinationOf, isGroup, LanDecoder, longestFrame, sourceOf } from "../../../../core/keeper/lan/frames.ts";
import { lanFrame } from "../../../support/lan.ts";

describe("frames of the shared network", () => {
  it("come out whole, however the stream was split", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 14, maxLength: 2000 }), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (bodies, cuts) => {
      const frames = bodies.map((body) => Buffer.concat([Buffer.from([0, 0, body.length >> 8, body.length & 255]), body]));
      const stream = Buffer.concat(frames);
      const decoder = new LanDecoder();
      const found: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const length = cuts[turn % cuts.length] ?? 1;
        found.push(...decoder.push(stream.subarray(at, at + length)));
        at += length;
      }
      expect(found).toEqual(frames);
    }));
  });

  it.each([0, 13, longestFrame + 1, 0xffff_ffff])("of %i bytes are none", (length) => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(length);
    expect(() => new LanDecoder().push(header)).toThrow(RangeError);
  });

  it("tell where they go and where they come from", () => {
    const frame = lanFrame("02:00:00:00:00:0b", "02:00:00:00:00:0a", "hello");
    expect([destinationOf(frame), sourceOf(frame)]).toEqual(["02000000000b", "02000000000a"]);
  });

  it.each([["ffffffffffff", true], ["01005e0000fb", true], ["02000000000a", false]])("to %s are for more than one card: %s", (address, expected) => {
    expect(isGroup(address)).toBe(expected);
  });
});
