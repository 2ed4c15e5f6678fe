import type { MachineInfo } from "glowplug";
import { expect, it } from "vitest";
import { dockerContext } from "../../../../plugins/addons/podman/docker-context.ts";
import { hostOf } from "../../../fixtures/hosts.ts";

const machine: MachineInfo = {
  name: "web", user: "core", uid: 1000, rootful: false, apiSocket: "/run/web/podman.sock", ssh: { host: "127.0.0.1", port: 40022, keyFile: "/key", hostKey: "ssh-ed25519 AAAA" },
  folders: { data: "/data/web", runtime: "/run/web" },
};
const hostWith = (context: { stdout?: string; exitCode?: number }, version = "Docker version 28.2.2, build e6534b4\n") =>
  hostOf("linux/x86_64", { programs: { docker: "/usr/bin/docker" }, answers: { "/usr/bin/docker --version": { stdout: version }, "/usr/bin/docker context inspect": context } });
const lines = async (its: MachineInfo, host: ReturnType<typeof hostWith>) =>
  (await dockerContext(its, host)).map(({ title, do: make, undo }) => [title, make.toString(), undo.toString()]);
const rest = `--description 'The podman of the machine web' --docker host=unix:///run/web/podman.sock`;

it("is made and taken away by the docker client", async () => {
  expect(await lines(machine, hostWith({ exitCode: 1 }))).toEqual([["docker context web", `/usr/bin/docker context create web ${rest}`, "/usr/bin/docker context rm --force web"]]);
});

it("is brought up to date where an earlier machine of the name left it behind", async () => {
  expect((await lines(machine, hostWith({ stdout: "unix:///run/web/podman.sock\n" })))[0]?.[1]).toBe(`/usr/bin/docker context update web ${rest}`);
});

it("is left to docker to refuse where somebody else has one of the name", async () => {
  expect((await lines(machine, hostWith({ stdout: "tcp://elsewhere:2375\n" })))[0]?.[1]).toMatch(/context create web /);
});

it("has another name for the machine whose name docker keeps for itself", async () => {
  expect((await lines({ ...machine, name: "default" }, hostWith({ exitCode: 1 })))[0]?.[0]).toBe("docker context glowplug-default");
});

it("is not made without a docker client, by podman in docker's clothes, or without an API", async () => {
  expect(await dockerContext(machine, hostOf("linux/x86_64"))).toEqual([]);
  expect(await dockerContext(machine, hostWith({}, "podman version 4.3.1\n"))).toEqual([]);
  expect(await dockerContext({ ...machine, apiSocket: undefined }, hostWith({ exitCode: 1 }))).toEqual([]);
});
