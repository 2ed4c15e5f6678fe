import { describe, expect, test } from "vitest";
import { canonicalUsb, parseUsb } from "../../../core/spec/usb.ts";

test("a device is a place or a model, its halves in either order", () => {
  expect(parseUsb("bus=1,devnum=12")).toEqual({ device: { bus: 1, devnum: 12 } });
  expect(parseUsb("devnum=12,bus=1")).toEqual({ device: { bus: 1, devnum: 12 } });
  expect(parseUsb("vendor=1D6B,product=2")).toEqual({ device: { vendor: 0x1d6b, product: 2 } });
  expect(canonicalUsb("devnum=012,bus=1")).toBe("bus=1,devnum=12");
  expect(canonicalUsb("product=2,vendor=1D6B")).toBe("vendor=1d6b,product=0002");
});

describe("what is no device is told in podman's words", () => {
  test.each([
    ["bus=1", "usb: fail to parse: missing ',': bus=1"],
    ["", "usb: fail to parse: missing ',': "],
    ["bus=1,devnum=2,x=3", "usb: fail to parse: missing ',': bus=1,devnum=2,x=3"],
    ["bus:1,devnum=2", "usb: fail to parse: missing '=': bus:1,devnum=2"],
    ["vendor=zz,product=1", "usb: fail to convert vendor of vendor=zz,product=1: expected a hexadecimal number"],
    ["vendor=1d6b,product=12345", "usb: fail to convert product of vendor=1d6b,product=12345: expected a hexadecimal number"],
    ["bus=one,devnum=2", "usb: fail to convert bus and devnum of bus=one,devnum=2: expected decimal numbers"],
    ["bus=1,product=2", "usb: fail to parse: bus=1,product=2"],
  ])("%j", (text, problem) => expect(parseUsb(text)).toEqual({ problem }));
});
