import { expect, it } from "vitest";
import type { NetPlan, ResolvedPort } from "glowplug";
import { foreignHost } from "../../../core/host.ts";
import slirp from "../../../plugins/forwarders/slirp.ts";

const port: ResolvedPort = { host: "0.0.0.0", hostPort: 8080, guestPort: 80, protocol: "tcp" };
const plan = async (ports: readonly ResolvedPort[]): Promise<NetPlan> =>
  await slirp().plan({ name: "web", host: foreignHost("linux/amd64"), link: "user", mac: "52:54:00:12:34:56", sshPort: 40022, ports, guestPorts: "any", folders: { data: "/data", runtime: "/run" } });

it("needs no process: the VM forwards ssh and the ports of the spec from its start", async () => {
  expect(await plan([port])).toEqual({
    listens: [],
    link: { kind: "user", mac: "52:54:00:12:34:56", forwards: [{ host: "127.0.0.1", hostPort: 40022, guestPort: 22, protocol: "tcp" }, port] },
    ssh: { host: "127.0.0.1", port: 40022 },
    expose: { kind: "monitor", add: "hostfwd_add {protocol}:{host}:{hostPort}-:{guestPort}", remove: "hostfwd_remove {protocol}:{host}:{hostPort}" },
    openAtStart: [port], guestOpensPorts: false,
    names: { "host.containers.internal": "10.0.2.2", "host.docker.internal": "10.0.2.2", "gateway.containers.internal": "10.0.2.2", "gateway.docker.internal": "10.0.2.2" },
    notes: [],
  });
});

it.each(["::1", "localhost", ""])("refuses to listen on %j", async (host) => {
  await expect(plan([{ ...port, host }])).rejects.toMatchObject({ code: "bad-spec", plugin: "slirp" });
});
