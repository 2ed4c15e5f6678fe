import { describe, expect, it } from "vitest";
import type { HostFacts, LinkKind, NetPlan, ResolvedPort } from "glowplug";
import { foreignHost } from "../../../core/host.ts";
import passt, { type PasstOptions } from "../../../plugins/forwarders/passt.ts";
import { hostOf, type HostParts } from "../../fixtures/hosts.ts";

const folders = { data: "/home/user/.local/share/glowplug/machines/web", runtime: "/run/user/1000/glowplug/web" };
const program = "/usr/bin/passt";
const web: ResolvedPort = { host: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" };
const user = (parts: HostParts = {}): HostFacts => hostOf("linux/amd64", { programs: { passt: program }, ...parts });
const plan = async (ports: readonly ResolvedPort[] = [web], { host = user(), link = "unix-stream", options }: { host?: HostFacts; link?: LinkKind; options?: PasstOptions } = {}): Promise<NetPlan> =>
  await passt(options).plan({ name: "web", host, link, mac: "52:54:00:12:34:56", sshPort: 40022, ports, guestPorts: "any", folders });
const line = (rest: string, runas = "", folder = folders.runtime): string =>
  `${program} --foreground --quiet${runas} --socket ${folder}/net/vm.sock --address 10.0.2.15 --netmask 24 --gateway 10.0.2.2 --tcp-ports 127.0.0.1/40022:22${rest}`;

describe("the plan", () => {
  it("listens for the VM, and opens ssh and the ports of the spec from the start", async () => {
    const { command, ...rest } = await plan();
    expect([command?.toString(), command?.name, command?.entries.every(({ by }) => by === "passt")]).toEqual([line(" --tcp-ports 127.0.0.1/8080:80"), "passt", true]);
    expect(rest).toEqual({
      link: { kind: "unix-stream", path: `${folders.runtime}/net/vm.sock`, mac: "52:54:00:12:34:56" }, listens: [`${folders.runtime}/net/vm.sock`],
      ssh: { host: "127.0.0.1", port: 40022 }, expose: { kind: "ssh" }, openAtStart: [web], guestOpensPorts: false,
      names: { "host.containers.internal": "10.0.2.2", "host.docker.internal": "10.0.2.2", "gateway.containers.internal": "10.0.2.2", "gateway.docker.internal": "10.0.2.2" }, notes: [],
    });
  });

  it("opens UDP ports and IPv6 addresses too, and a port of both protocols", async () => {
    const ports: ResolvedPort[] = [{ host: "0.0.0.0", hostPort: 53, guestPort: 5353, protocol: "udp" }, { ...web, host: "::1", hostPort: 53 }];
    const { command, openAtStart } = await plan(ports);
    expect([command?.toString(), openAtStart]).toEqual([line(" --udp-ports 0.0.0.0/53:5353 --tcp-ports ::1/53:80"), ports]);
  });

  it("leaves a second address of the same port to ssh: passt takes a port once", async () => {
    const second: ResolvedPort = { ...web, host: "192.0.2.7" };
    const { command, openAtStart } = await plan([web, second]);
    expect([command?.toString(), openAtStart]).toEqual([line(" --tcp-ports 127.0.0.1/8080:80"), [web]]);
  });

  it("stays root for root, whose folder nobody else may enter", async () => {
    expect((await plan([], { host: user({ uid: 0 }) })).command?.toString()).toBe(line("", " --runas 0:0"));
  });

  it("has its socket in the machine's data folder where AppArmor forbids it the other", async () => {
    const files = ["/etc/apparmor.d/usr.bin.passt", "/sys/kernel/security/apparmor"];
    const { command, listens } = await plan([], { host: user({ files }) });
    expect([command?.toString(), listens]).toEqual([line("", "", folders.data), [`${folders.data}/net/vm.sock`]]);
    expect((await plan([], { host: user({ files: files.slice(0, 1) }) })).listens).toEqual([`${folders.runtime}/net/vm.sock`]);
    expect((await plan([], { host: foreignHost("linux/amd64") })).listens).toEqual([`${folders.runtime}/net/vm.sock`]);
  });

  it("adds the user's flags", async () => {
    expect((await plan([], { options: { args: ["--mtu", "1500"] } })).command?.toString()).toBe(line(" --mtu 1500"));
  });

  it.each<[string, readonly ResolvedPort[], string]>([
    ["a name for an address", [{ ...web, host: "localhost" }], "passt cannot listen on localhost for port 8080: it takes addresses alone"],
    ["a UDP port of two addresses", ["127.0.0.1", "::1"].map((host) => ({ ...web, host, protocol: "udp" })), "passt cannot listen on UDP port 8080 of two addresses"],
  ])("refuses %s", async (_, ports, message) => {
    await expect(plan(ports)).rejects.toMatchObject({ code: "bad-spec", plugin: "passt", message });
  });

  it("offers no link of another kind", async () => {
    await expect(plan([], { link: "user" })).rejects.toMatchObject({ code: "slots-mismatch", message: "passt offers no link of the kind user" });
  });
});

describe("the check", () => {
  const check = async (host: HostFacts): Promise<void> => await passt().check(host);

  it("is content with a passt that runs", async () => {
    const host = user({ answers: { [program]: { stdout: "passt unknown version\n" } } });
    await check(host);
    await check(foreignHost("linux/arm64"));
  });

  it.each<[string, HostFacts, object]>([
    ["passt is missing", hostOf("linux/amd64", { osRelease: { ID: "debian" } }), { code: "missing-program", hint: "`sudo apt install passt` installs it. Or choose another forwarder." }],
    ["passt cannot run", user({ answers: { [program]: { exitCode: 1, stderr: "passt: GLIBC_2.38 not found\n" } } }), { code: "missing-program", message: `${program} does not run: passt: GLIBC_2.38 not found` }],
    ["this is no Linux", foreignHost("darwin/arm64"), { code: "unsupported-host", message: "passt runs on Linux alone" }],
  ])("says that %s", async (_, host, error) => {
    await expect(check(host)).rejects.toMatchObject({ plugin: "passt", ...error });
  });
});
