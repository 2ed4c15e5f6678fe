import { describe, expect, it } from "vitest";
import { adding, connectionName, following, preferring, removing, type ConnectionBook } from "../../../core/connections/book.ts";

const bookOf = (names: readonly string[], chosen?: string): ConnectionBook => ({ connections: Object.fromEntries(names.map((name) => [name, { uri: name }])), ...(chosen !== undefined && { default: chosen }) });

describe("the default of podman's connections", () => {
  it("is the first connection ever, and stays when more are added", () => {
    expect(adding(bookOf([]), { web: { uri: "a" }, "web-root": { uri: "b" } })).toEqual({ put: { web: { uri: "a" }, "web-root": { uri: "b" } }, default: "web" });
    expect(adding(bookOf(["old"]), { web: { uri: "a" } })).toEqual({ put: { web: { uri: "a" } } });
  });

  it.each<[string, ConnectionBook, readonly string[], object | undefined]>([
    ["stays when another goes", bookOf(["a", "web", "web-root"], "a"), [], { remove: ["web", "web-root"] }],
    ["goes to the heir", bookOf(["a", "default", "web"], "web"), ["default", "a"], { remove: ["web"], default: "default" }],
    ["goes to the first by name where no heir is there", bookOf(["z", "b", "web-root", "web"], "web-root"), ["default"], { remove: ["web", "web-root"], default: "b" }],
    ["goes with the last one", bookOf(["web"], "web"), ["default"], { remove: ["web"], default: null }],
    ["has nothing to do with one that is not there", bookOf(["a"], "a"), [], undefined],
  ])("%s", (_, book, heirs, change) => {
    expect(removing(book, ["web", "web-root"], heirs)).toEqual(change);
  });

  it.each<[string, ConnectionBook, boolean, object | undefined]>([
    ["moves to root's", bookOf(["web", "web-root"], "web"), true, { default: "web-root" }],
    ["moves to the user's", bookOf(["web", "web-root"], "web-root"), false, { default: "web" }],
    ["stays where it is right", bookOf(["web", "web-root"], "web"), false, undefined],
    ["stays with another machine", bookOf(["a", "web", "web-root"], "a"), true, undefined],
    ["stays where there is no such connection", bookOf(["web"], "web"), true, undefined],
  ])("%s when its machine becomes rootful or rootless", (_, book, rootful, change) => {
    expect(following(book, { name: "web", rootful })).toEqual(change);
  });

  it("becomes a machine's on request", () => {
    expect(preferring(bookOf(["a", "web", "web-root"], "a"), { name: "web", rootful: true })).toEqual({ default: "web-root" });
    expect(preferring(bookOf(["a", "web"], "web"), { name: "web", rootful: false })).toBeUndefined();
    expect(preferring(bookOf(["a"], "a"), { name: "web", rootful: false })).toBeUndefined();
  });
});

it("root's connection has an ending of its own", () => {
  expect([false, true].map((rootful) => connectionName({ name: "web", rootful }))).toEqual(["web", "web-root"]);
});
