import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { defaultConnection, leadsTo } from "../../../core/connections/default.ts";
import { makeTestFolder, type TestFolder } from "../../support/folders.ts";

let folder: TestFolder;
beforeEach(() => {
  folder = makeTestFolder();
});
afterEach(() => folder.remove());

it.each<[string, string | undefined, readonly string[], string | undefined]>([
  ["podman 5's own file", '{"Connection":{"Default":"web"}}', ['[engine]\nactive_service = "old"\n'], "web"],
  ["containers.conf where that names none", '{"Connection":{}}', ['[engine]\nactive_service = "old" # mine\n'], "old"],
  ["the last containers.conf that names one", undefined, ['[engine]\nactive_service = "a"\n', "[engine]\nactive_service = 'b'\n", "[machine]\nactive_service = 'c'\n"], "b"],
  ["nobody where the last says so", undefined, ['[engine]\nactive_service = "a"\n', '[engine]\nactive_service = ""\n'], undefined],
  ["nobody where nothing can be read", "{", ["[engine\n"], undefined],
])("podman's default connection is told by %s", (_, json, texts, expected) => {
  const confs = texts.map((text, index) => {
    writeFileSync(`${folder.path}/${index}.conf`, text);
    return `${folder.path}/${index}.conf`;
  });
  const podman = { ...folder.paths.podman, confs };
  mkdirSync(dirname(podman.connections), { recursive: true });
  if (json !== undefined) writeFileSync(podman.connections, json);
  expect(defaultConnection({ podman })).toBe(expected);
});

it("a connection leads to a machine by its user's name and by root's", () => {
  expect([leadsTo("web", "web"), leadsTo("web-root", "web"), leadsTo("web", "we"), leadsTo(undefined, "web")]).toEqual([true, true, false, false]);
});
