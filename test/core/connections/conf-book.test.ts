import { describe, expect, it } from "vitest";
import { confBook } from "../../../core/connections/conf-book.ts";

const file = "/home/me/.config/containers/containers.conf";
const web = { uri: "ssh://core@127.0.0.1:40022/run/user/1000/podman/podman.sock", identity: "/data/web/id", isMachine: true };

/** As podman 4.3.1 wrote it, and a user went on. */
const written = `[containers]

[engine]
  active_service = "old"
  [engine.service_destinations]
    [engine.service_destinations.old]
      uri = "ssh://me@host:22/run/podman.sock"
      identity = "/home/me/.ssh/id"

# what machines get
[machine]
  cpus = 4
`;

describe("the connections in a containers.conf", () => {
  it("are read", async () => {
    expect(await confBook.read(written, file)).toEqual({ default: "old", connections: { old: { uri: "ssh://me@host:22/run/podman.sock", identity: "/home/me/.ssh/id" } } });
  });

  it.each([[undefined], [""], ["[engine]\n"], ['[engine]\nactive_service = ""\n']])("are none in %j", async (text) => {
    expect(await confBook.read(text, file)).toEqual({ connections: {} });
  });

  it("are added with all else left as it is, and taken away without a trace", async () => {
    const added = await confBook.change(written, { put: { web, "web-root": { uri: "ssh://root@x" } }, default: "web" }, file);
    expect(added).toBe(`${written.replace('"old"\n', '"web"\n')}
[engine.service_destinations.web]
uri = "${web.uri}"
identity = "/data/web/id"
is_machine = true

[engine.service_destinations.web-root]
uri = "ssh://root@x"
`);
    expect(await confBook.change(added, { remove: ["web", "web-root"], default: "old" }, file)).toBe(written);
  });

  it("leave an empty file behind where they were all that was in it", async () => {
    const added = await confBook.change(undefined, { put: { web }, default: "web" }, file);
    expect(await confBook.read(added, file)).toEqual({ default: "web", connections: { web } });
    expect(await confBook.change(added, { remove: ["web"], default: null }, file)).toBe("");
  });

  it.each([
    ["a = [", expect.stringMatching(/containers\.conf:1: /)], ["engine = 1", `podman's connections cannot be read: ${file}: engine is a number, expected a table`],
    ["[engine]\nservice_destinations = []", `podman's connections cannot be read: ${file}: engine.service_destinations is a list, expected a table`],
    ["[engine.service_destinations.a]\n", `podman's connections cannot be read: ${file}: the connection "a" has no uri`],
  ])("are refused in %j", async (text, message) => {
    await expect(confBook.read(text, file)).rejects.toMatchObject({ code: "bad-config", message });
  });
});
