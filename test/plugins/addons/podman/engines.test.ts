import type { MachineInfo } from "glowplug";
import { expect, it } from "vitest";
import { engineOf, enginesOf } from "../../../../plugins/addons/podman/engines.ts";

const machine: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, ssh: { host: "127.0.0.1", port: 40022, keyFile: "/data/web/id_ed25519", hostKey: "ssh-ed25519 AAAA" },
  apiSocket: "/run/user/1/glowplug/web/podman.sock", folders: { data: "/data/web", runtime: "/run/user/1/glowplug/web" },
};
const users = { rootful: false, user: "core", guest: "/run/user/1000/podman/podman.sock" };
const roots = { rootful: true, user: "root", guest: "/run/podman/podman.sock" };

it("the one that the machine prefers has its API socket, the other one of its own", () => {
  expect(enginesOf(machine)).toEqual([{ ...users, host: "/run/user/1/glowplug/web/podman.sock" }, { ...roots, host: "/run/user/1/glowplug/web/root.sock" }]);
  expect(enginesOf({ ...machine, rootful: true })).toEqual([{ ...roots, host: "/run/user/1/glowplug/web/podman.sock" }, { ...users, host: "/run/user/1/glowplug/web/user.sock" }]);
});

it("where root is the user they are one", () => {
  const root = { ...machine, user: "root", uid: 0 };
  expect(enginesOf(root)).toEqual([{ ...roots, host: "/run/user/1/glowplug/web/podman.sock" }]);
  expect([false, true].map((rootful) => engineOf(root, rootful).host)).toEqual(["/run/user/1/glowplug/web/podman.sock", "/run/user/1/glowplug/web/podman.sock"]);
});

it("a machine that serves no podman has none on the host", () => {
  expect(enginesOf({ ...machine, apiSocket: undefined }).map(({ host }) => host)).toEqual([undefined, undefined]);
});
