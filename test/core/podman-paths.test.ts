import { expect, test } from "vitest";
import { podmanPaths } from "../../core/podman-paths.ts";

const facts = { os: "linux", uid: 1000, home: "/home/me", env: {} } as const;

test("podman's files are where podman has them", () => {
  expect(podmanPaths(facts)).toEqual({
    connections: "/home/me/.config/containers/podman-connections.json",
    ownConf: "/home/me/.config/containers/containers.conf",
    confs: ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf", "/etc/containers/containers.conf.d", "/home/me/.config/containers/containers.conf", "/home/me/.config/containers/containers.conf.d"],
    namedConfs: [],
    machineConfig: "/home/me/.config/containers/podman/machine",
    machineData: "/home/me/.local/share/containers/podman/machine",
  });
});

test("podman 4 keeps root's connections in the system's file on Linux", () => {
  expect(podmanPaths({ ...facts, uid: 0, home: "/root" }).ownConf).toBe("/etc/containers/containers.conf");
  expect(podmanPaths({ ...facts, uid: 0, os: "darwin", home: "/var/root" }).ownConf).toBe("/var/root/.config/containers/containers.conf");
});

test("the XDG folders and podman's own variables name others", () => {
  const env = { XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d", PODMAN_CONNECTIONS_CONF: "/p.json", CONTAINERS_CONF: "/one.conf", CONTAINERS_CONF_OVERRIDE: "/last.conf" };
  expect(podmanPaths({ ...facts, env })).toEqual({
    connections: "/p.json", ownConf: "/one.conf", confs: ["/one.conf", "/last.conf"], namedConfs: ["/one.conf", "/last.conf"],
    machineConfig: "/c/containers/podman/machine", machineData: "/d/containers/podman/machine",
  });
  expect(podmanPaths({ ...facts, env: { XDG_CONFIG_HOME: "/c" } }).confs.slice(-2)).toEqual(["/c/containers/containers.conf", "/c/containers/containers.conf.d"]);
});
