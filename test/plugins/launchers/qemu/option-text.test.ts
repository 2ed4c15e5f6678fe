import { expect, it } from "vitest";
import { escapeValue, optionText } from "../../../../plugins/launchers/qemu/option-text.ts";

it.each([
  ["stream", { id: "net0", server: false, "addr.path": "/run/x" }, "stream,id=net0,server=off,addr.path=/run/x"],
  [undefined, { if: "pflash", unit: 1, readonly: true, missing: undefined }, "if=pflash,unit=1,readonly=on"],
  ["unix:/run/a,b", { wait: false }, "unix:/run/a,,b,wait=off"],
  ["pc", {}, "pc"],
])("joins %j and %j", (head, properties, text) => expect(optionText(head, properties)).toBe(text));

it("doubles every comma of a value", () => expect(escapeValue("/a,b/,,c")).toBe("/a,,b/,,,,c"));
