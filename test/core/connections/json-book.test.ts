import { describe, expect, it } from "vitest";
import { jsonBook } from "../../../core/connections/json-book.ts";

const file = "/home/me/.config/containers/podman-connections.json";
const web = { uri: "ssh://core@127.0.0.1:40022/run/user/1000/podman/podman.sock", identity: "/data/web/id", isMachine: true };

/** As podman 5.8 wrote it, with an entry and a field that only a later one might know. */
const written = '{"Connection":{"Default":"old","Connections":{"old":{"URI":"ssh://me@host:22/run/podman.sock","Identity":"/home/me/.ssh/id","TLSCA":"/ca"},"web":{"URI":"x"}}},"Farm":{"List":{"f":["old"]}},"Later":1}\n';

describe("podman-connections.json", () => {
  it("is read", async () => {
    expect(await jsonBook.read(written, file)).toEqual({ default: "old", connections: { old: { uri: "ssh://me@host:22/run/podman.sock", identity: "/home/me/.ssh/id" }, web: { uri: "x" } } });
    expect(await jsonBook.read('{"Connection":{"Connections":{"m":{"URI":"y","IsMachine":true}}}}', file)).toEqual({ connections: { m: { uri: "y", isMachine: true } } });
  });

  it.each([[undefined], ["{}"], ['{"Connection":{},"Farm":{}}'], ['{"Connection":{"Default":"","Connections":null}}']])("holds none in %j", async (text) => {
    expect(await jsonBook.read(text, file)).toEqual({ connections: {} });
  });

  it("is made where there is none, in podman's layout", async () => {
    expect(await jsonBook.change(undefined, { put: { web }, default: "web" }, file)).toBe(
      `{"Connection":{"Default":"web","Connections":{"web":{"URI":"${web.uri}","Identity":"/data/web/id","IsMachine":true}}}}\n`,
    );
  });

  it("keeps what it does not know, of the file and of an entry", async () => {
    const changed = JSON.parse(await jsonBook.change(written, { put: { old: { uri: "new" }, web }, default: "web" }, file)) as unknown;
    expect(changed).toEqual({
      Connection: { Default: "web", Connections: { old: { URI: "new", Identity: "/home/me/.ssh/id", TLSCA: "/ca" }, web: { URI: web.uri, Identity: "/data/web/id", IsMachine: true } } },
      Farm: { List: { f: ["old"] } }, Later: 1,
    });
  });

  it("keeps the layout of somebody who reads it himself", async () => {
    expect(await jsonBook.change('{\n  "Connection": {\n    "Connections": {\n      "a": {\n        "URI": "b"\n      }\n    }\n  }\n}\n', { remove: ["a"] }, file)).toBe('{\n  "Connection": {}\n}\n');
  });

  it("loses the default where nothing is left for it", async () => {
    expect(await jsonBook.change(written, { remove: ["old", "web"], default: null }, file)).toBe('{"Connection":{},"Farm":{"List":{"f":["old"]}},"Later":1}\n');
  });

  it.each([
    ["", "it is empty"], ["{", expect.any(String)], ["[]", "it holds a list, expected an object"], ['{"Connection":1}', "Connection is a number, expected an object"],
    ['{"Connection":{"Connections":[]}}', "Connections is a list, expected an object"], ['{"Connection":{"Default":1}}', "Connection.Default is a number, expected a string"],
    ['{"Connection":{"Connections":{"a":{}}}}', 'the connection "a" has no URI'],
  ])("is refused when it reads %j, for reading and for changing", async (text, problem) => {
    const refused = { code: "bad-config", message: typeof problem === "string" ? `podman's connections cannot be read: ${file}: ${problem}` : problem };
    await expect(jsonBook.read(text, file)).rejects.toMatchObject(refused);
    await expect(jsonBook.change(text, { put: { web } }, file)).rejects.toMatchObject(refused);
  });
});
