import { expect, it } from "vitest";
import { callPlugin, childSpan, within } from "../../core/spans.ts";
import { recordTrace } from "../support/trace.ts";

it("work runs within its span, which ends with it, well or not", async () => {
  const trace = recordTrace();
  const seen: unknown[] = [];
  expect(await within(trace, "good", "plugin", { a: 1 }, () => void seen.push(trace.spans.map(({ ended }) => ended)))).toBeUndefined();
  await expect(within(trace, "bad", "phase", {}, () => Promise.reject(new Error("no luck")))).rejects.toThrow("no luck");
  await expect(within(trace, "worse", "phase", {}, () => {
    throw new Error("no luck at once");
  })).rejects.toThrow("no luck at once");
  expect(seen).toEqual([[false]]);
  expect(trace.spans).toEqual([
    { name: "good", category: "plugin", fields: { a: 1 }, ended: true }, { name: "bad", category: "phase", fields: {}, ended: true },
    { name: "worse", category: "phase", fields: {}, ended: true },
  ]);
});

it("a child is called by its program's base name and its pid", () => {
  const trace = recordTrace();
  const end = childSpan(trace, "/usr/bin/qemu-img", 12);
  expect(trace.spans).toEqual([{ name: "qemu-img", category: "child", fields: { pid: 12 }, ended: false }]);
  end();
  childSpan(trace, "/no/such/program", undefined)();
  expect(trace.spans).toEqual([{ name: "qemu-img", category: "child", fields: { pid: 12 }, ended: true }]);
});

it("a plugin's method is called on the plugin, within a span of both names", async () => {
  const trace = recordTrace();
  const plugin = {
    name: "own", base: 40,
    plan(one: number, other: number): Promise<number> {
      return Promise.resolve(this.base + one + other);
    },
    check(): void {
      throw new Error("not here");
    },
  };
  expect(await callPlugin(trace, plugin, "plan", 1, 1)).toBe(42);
  await expect(callPlugin(trace, plugin, "check")).rejects.toThrow("not here");
  expect(trace.spans).toEqual([
    { name: "own.plan", category: "plugin", fields: { plugin: "own" }, ended: true }, { name: "own.check", category: "plugin", fields: { plugin: "own" }, ended: true },
  ]);
});

it("a method that a plugin lacks is no span", async () => {
  const trace = recordTrace();
  const plugin: { readonly name: string; registrations?(): readonly string[] } = { name: "plain" };
  expect(await callPlugin(trace, plugin, "registrations")).toBeUndefined();
  expect(trace.spans).toEqual([]);
});
