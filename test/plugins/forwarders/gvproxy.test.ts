import { describe, expect, it } from "vitest";
import type { GuestPorts, HostFacts, LinkKind, NetPlan } from "glowplug";
import { foreignHost } from "../../../core/host.ts";
import gvproxy, { type GvproxyOptions } from "../../../plugins/forwarders/gvproxy.ts";
import { hostOf } from "../../fixtures/hosts.ts";

const runtime = "/run/user/1000/glowplug/web";
const port = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" } as const;
const program = "/usr/libexec/podman/gvproxy";
const plan = async (host: HostFacts, link: LinkKind = "unix-stream", options?: GvproxyOptions, guestPorts: GuestPorts = "any"): Promise<NetPlan> =>
  await gvproxy(options).plan({ name: "web", host, link, mac: "52:54:00:12:34:56", sshPort: 40022, ports: [port], guestPorts, folders: { data: "/data", runtime } });

describe("the plan", () => {
  it("listens for QEMU, serves its control socket, and leads to ssh", async () => {
    const { command, ...rest } = await plan(hostOf("linux/amd64", { programs: { gvproxy: program } }));
    expect(command?.toString()).toBe(`${program} -listen-qemu unix://${runtime}/net/vm.sock -listen unix://${runtime}/net/api.sock -ssh-port 40022`);
    expect(rest).toEqual({
      listens: [`${runtime}/net/vm.sock`, `${runtime}/net/api.sock`],
      link: { kind: "unix-stream", path: `${runtime}/net/vm.sock`, mac: "5a:94:ef:e4:0c:ee" },
      ssh: { host: "127.0.0.1", port: 40022 },
      expose: {
        kind: "http", socket: `${runtime}/net/api.sock`, list: "/services/forwarder/all",
        add: { path: "/services/forwarder/expose", body: { local: "{host}:{hostPort}", remote: "192.168.127.2:{guestPort}", protocol: "{protocol}" } },
        remove: { path: "/services/forwarder/unexpose", body: { local: "{host}:{hostPort}", protocol: "{protocol}" } },
      },
      openAtStart: [], guestOpensPorts: true, names: {
        "host.containers.internal": "192.168.127.254", "host.docker.internal": "192.168.127.254", "gateway.containers.internal": "192.168.127.1", "gateway.docker.internal": "192.168.127.1",
      },
      notes: ["gvproxy runs unfenced: whoever has the guest can make it replace files of yours by sockets: install bubblewrap to keep it from that, or a setpriv (util-linux 2.41) that knows Landlock."],
    });
  });

  it("listens for vfkit by datagrams", async () => {
    const { command, link } = await plan(foreignHost("darwin/arm64"), "unix-dgram");
    expect(command?.toString()).toContain(` gvproxy -listen-vfkit unixgram://${runtime}/net/vm.sock `);
    expect(link).toEqual({ kind: "unix-dgram", path: `${runtime}/net/vm.sock`, mac: "5a:94:ef:e4:0c:ee" });
  });

  it("adds the user's flags", async () => {
    expect((await plan(foreignHost("darwin/arm64"), "unix-stream", { args: ["-debug"] })).command?.toArgv().at(-1)).toBe("-debug");
  });

  it("offers no link of another kind", async () => {
    await expect(plan(foreignHost("darwin/arm64"), "user")).rejects.toMatchObject({ code: "slots-mismatch", message: "gvproxy offers no link of the kind user" });
  });
});

describe("ports that the guest opens", () => {
  const host = hostOf("linux/amd64", { programs: { gvproxy: program } });

  it("are asked for by the guest's podman, unless the guest may open none: then it is not told that it can", async () => {
    expect(await plan(host, "unix-stream", {}, "loopback")).toMatchObject({ guestOpensPorts: true });
    expect(await plan(host, "unix-stream", {}, "none")).toMatchObject({ guestOpensPorts: false });
  });

  it("leave those below 1024 to the host's own: as root they are carried over ssh", async () => {
    expect((await plan(host)).expose).not.toHaveProperty("lowestPort");
    expect((await plan(hostOf("linux/amd64", { uid: 0, programs: { gvproxy: program } }))).expose).toMatchObject({ lowestPort: 1024 });
  });
});

describe("the fence", () => {
  it("stands before gvproxy's own words, and nothing is told then", async () => {
    const programs = { gvproxy: program, bwrap: "/usr/bin/bwrap", setpriv: "/usr/bin/setpriv" };
    const { command, notes } = await plan(hostOf("linux/amd64", { programs, answers: { "/usr/bin/bwrap": {} } }));
    expect(command?.toString()).toMatch(new RegExp(`^/usr/bin/bwrap .* -- ${program} -listen-qemu unix://`));
    expect([command?.name, notes]).toEqual(["gvproxy", []]);
  });

  it("is sandbox-exec on macOS", async () => {
    const { command, notes } = await plan(foreignHost("darwin/arm64"));
    expect([command?.program, notes]).toEqual(["sandbox-exec", []]);
  });
});

describe("the check", () => {
  const check = async (parts: Parameters<typeof hostOf>[1]): Promise<void> => await gvproxy().check(hostOf("linux/amd64", parts));

  it("is content with any gvproxy that runs, also one that knows no -version", async () => {
    await check({ programs: { gvproxy: program }, answers: { [program]: { stdout: "gvproxy version v0.8.1\n" } } });
    await check({ programs: { gvproxy: program }, answers: { [program]: { exitCode: 2, stderr: "flag provided but not defined: -version\nUsage of gvproxy:\n" } } });
  });

  it("misses one that is not there, with what to do", async () => {
    await expect(check({ osRelease: { ID: "debian" } })).rejects.toMatchObject({ code: "missing-program", hint: "`sudo apt install gvproxy` installs it. Or choose another forwarder." });
  });

  it("tells one that cannot run here", async () => {
    const stderr = `${program}: /lib/x86_64-linux-gnu/libc.so.6: version \`GLIBC_2.39' not found\n`;
    await expect(check({ programs: { gvproxy: program }, answers: { [program]: { exitCode: 1, stderr } } })).rejects.toMatchObject({
      code: "missing-program", message: `${program} does not run: ${stderr.trim()}`,
    });
  });
});
