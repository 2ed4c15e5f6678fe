import type { MachineInfo } from "glowplug";
import { expect, it } from "vitest";
import { connections } from "../../../../plugins/addons/podman/connections.ts";
import { hostOf } from "../../../fixtures/hosts.ts";

const machine: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/web/id_ed25519", hostKey: "ssh-ed25519 AAAA" },
  folders: { data: "/data/web", runtime: "/run/user/1/glowplug/web" },
};
const path = (rootful: boolean): string => (rootful ? "/run/podman/podman.sock" : "/run/user/1000/podman/podman.sock");
const hostWith = (version: string | undefined, program = "podman") =>
  hostOf("linux/x86_64", version === undefined ? {} : { programs: { [program]: `/usr/bin/${program}` }, answers: { [`/usr/bin/${program} --version`]: { stdout: version } } });

const web = { kind: "connection", title: "podman connection web", name: "web", uri: "ssh://core@127.0.0.1:40022/run/user/1000/podman/podman.sock", format: "json" };
const webRoot = { kind: "connection", title: "podman connection web-root", name: "web-root", uri: "ssh://root@127.0.0.1:40022/run/podman/podman.sock", format: "json" };

it("the one that the machine prefers comes first", async () => {
  expect(await connections(machine, hostWith(undefined), path)).toEqual([web, webRoot]);
  expect(await connections({ ...machine, rootful: true }, hostWith(undefined), path)).toEqual([webRoot, web]);
});

it.each([
  ["podman version 4.3.1\n", "podman", "conf"], ["podman version 4.9.4-rhel\n", "podman", "conf"], ["podman version 5.4.2\n", "podman", "json"], ["podman version 6.0.0-dev\n", "podman", "json"],
  ["podman version 4.3.1\n", "podman-remote", "conf"], ["", "podman", "json"], [undefined, "podman", "json"],
])("podman that says %j, as %s, reads the format %s", async (version, program, format) => {
  expect((await connections(machine, hostWith(version, program), path)).map((one) => one.format)).toEqual([format, format]);
});

it("nobody is asked on a host that is elsewhere", async () => {
  const host = { ...hostWith("podman version 4.3.1"), local: false };
  expect((await connections(machine, host, path))[0]?.format).toBe("json");
  expect(host.asked).toEqual([]);
});
