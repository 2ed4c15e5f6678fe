import type { MachineInfo } from "glowplug";
import { expect, it } from "vitest";
import { connections } from "../../../../plugins/addons/podman/connections.ts";
import { hostOf } from "../../../fixtures/hosts.ts";

const machine: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/web/id_ed25519", hostKey: "ssh-ed25519 AAAA" },
  apiSocket: "/run/user/1/glowplug/web/podman.sock", folders: { data: "/data/web", runtime: "/run/user/1/glowplug/web" },
};
const hostWith = (version: string | undefined, program = "podman") =>
  hostOf("linux/x86_64", version === undefined ? {} : { programs: { [program]: `/usr/bin/${program}` }, answers: { [`/usr/bin/${program} --version`]: { stdout: version } } });

const web = { kind: "connection", title: "podman connection web", name: "web", uri: "unix:///run/user/1/glowplug/web/podman.sock", format: "json" };
const webRoot = { kind: "connection", title: "podman connection web-root", name: "web-root", uri: "unix:///run/user/1/glowplug/web/root.sock", format: "json" };

it("the one that the machine prefers comes first", async () => {
  expect(await connections(machine, hostWith(undefined))).toEqual([web, webRoot]);
  expect(await connections({ ...machine, rootful: true }, hostWith(undefined))).toEqual([{ ...webRoot, uri: web.uri }, { ...web, uri: "unix:///run/user/1/glowplug/web/user.sock" }]);
});

it("both lead to the same podman where root is the user, and nowhere without one", async () => {
  expect((await connections({ ...machine, user: "root", uid: 0 }, hostWith(undefined))).map(({ name, uri }) => [name, uri])).toEqual([["web", web.uri], ["web-root", web.uri]]);
  expect(await connections({ ...machine, apiSocket: undefined }, hostWith(undefined))).toEqual([]);
});

it.each([
  ["podman version 4.3.1\n", "podman", "conf"], ["podman version 4.9.4-rhel\n", "podman", "conf"], ["podman version 5.4.2\n", "podman", "json"], ["podman version 6.0.0-dev\n", "podman", "json"],
  ["podman version 4.3.1\n", "podman-remote", "conf"], ["", "podman", "json"], [undefined, "podman", "json"],
])("podman that says %j, as %s, reads the format %s", async (version, program, format) => {
  expect((await connections(machine, hostWith(version, program))).map((one) => one.format)).toEqual([format, format]);
});

it("nobody is asked on a host that is elsewhere", async () => {
  const host = { ...hostWith("podman version 4.3.1"), local: false };
  expect((await connections(machine, host))[0]?.format).toBe("json");
  expect(host.asked).toEqual([]);
});
