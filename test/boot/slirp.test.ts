import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { writePageImage } from "../support/page-image.ts";
import { podmanLinesOn } from "../support/podman-lines.ts";
import { filesBelow, processesOf, run, World } from "../support/world.ts";

/** A real guest under QEMU's own user networking: nothing beside QEMU is installed. */
describe("a real machine behind slirp", () => {
  let world: World;
  let published: number;

  beforeAll(async () => {
    world = new World();
    published = await freePort();
    world.write("box.ign", JSON.stringify({
      ignition: { version: "3.2.0" },
      passwd: { users: [{ name: "core", sshAuthorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHaD8sU7o5UmTVrTbyUcrU7ZPqqq8u3iBb2oyPJwX0Rl another"] }] },
      storage: { files: [{ path: "/etc/from-the-user", mode: 0o644, contents: { source: "data:,mine%0A" } }] },
      systemd: { units: [{ name: "mine.service", enabled: true, contents: "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n" }] },
    }));
    await world.ok("machine", "init", "--image", "debian-bootstrap", "--forwarder", "slirp", "--cpus", "2", "--disk-size", "10", "--memory", "2048", "--publish", `${published}:7000`,
      "--ignition-path", "box.ign", "--timezone", "Pacific/Honolulu", "small");
    await world.ok("machine", "start", "small");
  });
  afterAll(() => world.close());

  it("runs on one process beside its keeper", () => {
    expect(processesOf(world.folder).map((line) => /qemu-system|keeper/.exec(line)?.[0]).sort()).toEqual(["keeper", "qemu-system"]);
  });

  it("answers over ssh, with the machine's own host key", async () => {
    expect(await world.ok("ssh", "small", "id -un")).toBe("core\n");
    const config = (await world.ok("ssh-config", "small", "--path")).trim();
    expect(await run("ssh", ["-F", config, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "small", "hostname"])).toMatchObject({ code: 0, stdout: "small\n" });
  });

  podmanLinesOn(() => ({ world, name: "small" }), { cpus: 2, disk: 10, memory: 2048 });

  it("has what the user's own Ignition config says, beside what makes it a machine", async () => {
    expect(await world.ok("ssh", "small", "cat /etc/from-the-user; systemctl is-active mine; grep -c '' .ssh/authorized_keys.d/ignition; date +%Z")).toBe("mine\nactive\n2\nHST\n");
  });

  it("publishes the port of the flag", async () => {
    await world.ok("ssh", "small", "busybox httpd -p 7000 -h /etc");
    expect(await (await fetch(`http://127.0.0.1:${published}/hostname`)).text()).toBe("small\n");
  });

  it("serves podman's API on the host", async () => {
    const [machine] = JSON.parse(await world.ok("inspect", "small")) as { ConnectionInfo: { PodmanSocket: { Path: string } } }[];
    const path = machine?.ConnectionInfo.PodmanSocket.Path ?? "";
    expect(await run("curl", ["-s", "--unix-socket", path, "http://d/_ping"])).toMatchObject({ code: 0, stdout: "OK" });
  });

  it("opens the ports that containers publish, and closes them with their container", async () => {
    const [open, loopback] = [await freePort(), await freePort()];
    const podman = (...argv: string[]): ReturnType<typeof run> => run("podman", ["--remote", "--url", `unix://${join(world.runtime, "small/podman.sock")}`, ...argv], { env: world.env });
    expect(await podman("build", "-t", "page", writePageImage(world, "from a container\n"))).toMatchObject({ code: 0 });
    expect(await podman("run", "-d", "--name", "page", "-p", `${open}:80`, "-p", `127.0.0.1:${loopback}:80`, "page")).toMatchObject({ code: 0 });
    const page = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
    for (const port of [open, loopback]) await vi.waitFor(async () => expect(await page(port)).toBe("from a container\n"), { timeout: 60_000, interval: 500 });
    const ports = JSON.parse(await world.ok("port", "ls", "small", "--json")) as { HostPort: number; OpenedBy: string }[];
    expect(ports.filter(({ OpenedBy }) => OpenedBy === "guest").map(({ HostPort }) => HostPort).sort()).toEqual([open, loopback].sort());
    expect(await podman("rm", "-f", "page")).toMatchObject({ code: 0 });
    for (const port of [open, loopback]) await vi.waitFor(() => expect(page(port)).rejects.toThrow(), { timeout: 30_000, interval: 500 });
  });

  it("knows the host and the gateway by name, in the guest and in containers", async () => {
    const names = ["host.containers.internal", "host.docker.internal", "gateway.containers.internal", "gateway.docker.internal"];
    expect(await world.ok("ssh", "small", `getent ahostsv4 ${names.join(" ")} | grep STREAM | awk '{ print $1 }'`)).toBe("10.0.2.2\n".repeat(names.length));
    const inside = await world.ok("ssh", "small", "podman run --rm page /bin/busybox cat /etc/hosts");
    for (const name of names) expect(inside).toMatch(new RegExp(`^10\\.0\\.2\\.2\\s.*\\b${name.replaceAll(".", "\\.")}\\b`, "m"));
  });

  it("is gone without a trace after rm --force", async () => {
    await world.ok("rm", "--force", "small");
    expect(processesOf(world.folder)).toEqual([]);
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  });
});
