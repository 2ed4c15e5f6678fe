import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { podmanLinesOn } from "../support/podman-lines.ts";
import { filesBelow, processesOf, run, unpackedTool, World } from "../support/world.ts";

/** A real guest under the real gvproxy, from a lone script in an empty folder; one boot, many looks, then a second boot. */
describe("a real machine behind gvproxy", () => {
  let world: World;
  let published: number;
  let containerPort: number;
  let inspected: Inspected;

  interface Inspected {
    readonly State: string;
    readonly Condition: string;
    readonly ConnectionInfo: { readonly PodmanSocket: { readonly Path: string } };
    readonly SSHConfig: { readonly Port: number; readonly IdentityPath: string; readonly RemoteUsername: string };
  }
  const inspect = async (): Promise<Inspected> => (JSON.parse(await world.ok("inspect", "web")) as Inspected[])[0] as Inspected;
  const socket = (): string => inspected.ConnectionInfo.PodmanSocket.Path;
  const podman = (...argv: string[]): ReturnType<typeof run> => run("podman", ["--remote", "--url", `unix://${socket()}`, ...argv], { env: world.env });

  beforeAll(async () => {
    world = new World();
    published = await freePort();
    world.write("web.ts", `#!/usr/bin/env glowplug
import { writeFileSync } from "node:fs";
import qemu from "glowplug/plugins/launchers/qemu";
const launcher = await Promise.resolve(qemu({
  args: ["-name", "extra-name", "-device", "virtio-keyboard-pci"],
}));
export default {
  cpus: 2, memory: "2GiB", disk: "12GiB", image: "debian-bootstrap", launcher, forwarder: "gvproxy", guestPorts: "loopback",
  ports: ["127.0.0.1:${published}:7000"],
  files: [{ path: "/etc/motto", content: "one file, one machine\\n" }],
  // The image's own: here the machine's is to grow the disk.
  units: [{ name: "grow-root.service", mask: true }, { name: "answer.service", content: "[Service]\\nExecStart=/bin/busybox httpd -f -p 7000 -h /etc\\n[Install]\\nWantedBy=multi-user.target\\n" }],
  run: ["echo ran >> /var/lib/ran"],
  async afterStart({ ssh, machine }) {
    const { stdout } = await ssh.exec(["cat", "/etc/motto"]);
    writeFileSync(${JSON.stringify(join(world.folder, "after-start"))}, machine.name + ": " + stdout);
  },
};
`);
    await world.ok("up", "./web.ts");
    inspected = await inspect();
  });
  afterAll(() => world.close());

  it("ran the script's afterStart hook with a way into the guest", () => {
    expect(readFileSync(join(world.folder, "after-start"), "utf8")).toBe("web: one file, one machine\n");
  });

  it("is running and well", () => {
    expect(inspected).toMatchObject({ State: "running", Condition: "ok" });
  });

  it("has the script's QEMU flags: a single-valued one in place of ours, a repeatable one beside ours", () => {
    const vm = processesOf(world.folder).filter((line) => line.includes("qemu-system"));
    expect(vm).toHaveLength(1);
    expect(vm[0]).toContain("-name extra-name ");
    expect(vm[0]).not.toContain("-name web");
    expect(vm[0]).toContain("-device virtio-keyboard-pci");
    expect(vm[0]).toContain("virtio-net-pci");
  });

  it("hands on a command's exit status and keeps quiet about it", async () => {
    expect(await world.glowplug("ssh", "web", "exit 7")).toEqual({ code: 7, stdout: "", stderr: "" });
    expect(await world.glowplug("ssh", "web", "false")).toEqual({ code: 1, stdout: "", stderr: "" });
    expect(await world.glowplug("exec", "web", "printf", "%s|", "a b", "$HOME", "*")).toEqual({ code: 0, stdout: "a b|$HOME|*|", stderr: "" });
  });

  podmanLinesOn(() => ({ world, name: "web" }), { cpus: 2, disk: 12, memory: 2048 });

  it("has no failed unit", async () => {
    expect(await world.ok("ssh", "web", "systemctl --failed --no-legend --plain")).toBe("");
  });

  it("has the files, units and commands of the script, and the asked disk", async () => {
    expect(await world.ok("ssh", "web", "cat /etc/motto; systemctl is-active answer; sudo cat /var/lib/ran; hostname")).toBe("one file, one machine\nactive\nran\nweb\n");
    const bytes = Number((await world.ok("ssh", "web", "df --output=size -B1 / | tail -1")).trim());
    expect(bytes).toBeGreaterThan(10 * 2 ** 30);
  });

  it("publishes the script's port", async () => {
    expect(await (await fetch(`http://127.0.0.1:${published}/motto`)).text()).toBe("one file, one machine\n");
  });

  it("lets OpenSSH in with host-key checking on", async () => {
    const config = (await world.ok("ssh-config", "web", "--path")).trim();
    const ended = await run("ssh", ["-F", config, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "web", "id -un"], { env: world.env });
    expect(ended).toMatchObject({ code: 0, stdout: "core\n" });
  });

  it("builds and runs a container from the host's podman, with a port that podman in the guest asks for", async () => {
    containerPort = await freePort();
    const busybox = readFileSync("/bin/busybox");
    world.write("Containerfile", "FROM scratch\nCOPY busybox /bin/busybox\nCOPY index.html /www/index.html\n");
    world.write("index.html", "hello from a container\n");
    (await import("node:fs")).writeFileSync(join(world.folder, "work/busybox"), busybox, { mode: 0o755 });
    expect(await podman("build", "-t", "hello", join(world.folder, "work"))).toMatchObject({ code: 0 });
    expect(await podman("run", "-d", "--name", "hello", "-p", `127.0.0.1:${containerPort}:80`, "hello", "/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www")).toMatchObject({ code: 0 });
    const page = await fetch(`http://127.0.0.1:${containerPort}/`);
    expect([page.status, await page.text()]).toEqual([200, "hello from a container\n"]);

    const docker = await run(unpackedTool("docker"), ["ps", "--format", "{{.Names}}"], { env: { ...world.env, DOCKER_HOST: `unix://${socket()}` } });
    expect(docker).toMatchObject({ code: 0, stdout: "hello\n" });
  });

  it("lets a container have no file of the host, no port that is root's and none of another address than was said", async () => {
    const precious = world.write("precious", "precious\n");
    const lowest = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
    const [mine, foreign] = [await freePort(), await freePort()];
    const body = (local: string, protocol = "tcp"): string => JSON.stringify({ local, remote: protocol === "unix" ? "tcp://192.168.127.2:80" : ":80", protocol });
    // The user of the guest sees gvproxy's answers; a container's busybox only whether there was a good one.
    const ask = (verb: string, data: string) => world.ok("ssh", "web", `curl -s --data '${data}' http://192.168.127.1/services/forwarder/${verb}`);
    const askFromContainer = (verb: string, data: string) => world.glowplug("ssh", "web", `podman run --rm hello /bin/busybox wget -q -O - --post-data '${data}' http://192.168.127.1/services/forwarder/${verb}`);

    for (const local of [precious, join(world.runtime, "web/plan.json"), join(world.runtime, "web/net/api.sock")]) {
      expect(await askFromContainer("expose", body(local, "unix"))).toMatchObject({ code: 1, stderr: expect.stringContaining("500") as string });
      expect(await ask("expose", body(local, "unix"))).toMatch(/(permission denied|read-only file system)\n$/);
    }
    expect(readFileSync(precious, "utf8")).toBe("precious\n");
    expect(await ask("expose", body(`:${lowest - 1}`))).toBe(`listen tcp :${lowest - 1}: bind: permission denied\n`);

    expect(await askFromContainer("expose", body(`:${foreign}`))).toMatchObject({ code: 0 });
    expect(await ask("expose", body(`127.0.0.1:${mine}`))).toBe("");
    await vi.waitFor(async () => expect(JSON.parse(await world.ok("inspect", "web")) as unknown).toMatchObject([{ GuestPorts: expect.arrayContaining([
      { HostIP: "127.0.0.1", HostPort: mine, GuestPort: 80, Protocol: "tcp" },
    ]) as unknown }]), { timeout: 30_000, interval: 1000 });
    await expect(fetch(`http://127.0.0.1:${foreign}/`)).rejects.toThrow();
    expect(await world.ok("port", "ls", "web")).not.toContain(String(foreign));
    expect(await world.ok("events", "--since", "1h", "--stream=false", "web")).toContain(`:${foreign}/tcp`);

    // What it closes of the host's is put back.
    expect(await ask("unexpose", body(`127.0.0.1:${mine}`))).toBe("");
    expect(await askFromContainer("unexpose", body(`127.0.0.1:${published}`))).toMatchObject({ code: 0 });
    await vi.waitFor(async () => expect(await (await fetch(`http://127.0.0.1:${published}/motto`)).text()).toBe("one file, one machine\n"), { timeout: 30_000, interval: 500 });
  });

  it("is known by name to the host's podman, to a newer one, and to docker", async () => {
    const names = async (file: string, ...argv: string[]) => (await run(file, [...argv, "ps", "--format", "{{.Names}}"], { env: world.env })).stdout;
    expect(await names("podman", "--connection", "web")).toBe("hello\n");
    expect(await names("podman")).toBe(""); // the host's own
    expect(await names("podman", "--remote")).toBe("hello\n"); // the first connection ever is the default
    expect(await run("podman", ["--connection", "web-root", "info", "--format", "{{.Host.Security.Rootless}}"], { env: world.env })).toMatchObject({ code: 0, stdout: "false\n" });
    expect(await names(unpackedTool("podman-remote"), "--connection", "web")).toBe("hello\n");
    expect(await names(unpackedTool("docker"), "--context", "web")).toBe("hello\n");
  });

  it("refuses to start twice, and to be removed while it runs", async () => {
    expect(await world.glowplug("start", "web")).toMatchObject({ code: 125, stderr: expect.stringContaining('unable to start "web": already running') });
    expect(await world.glowplug("rm", "web")).toMatchObject({ code: 125, stderr: expect.stringContaining('running vm "web" cannot be destroyed') });
  });

  it("has its network and every port again when gvproxy is killed, without a boot", async () => {
    const look = (): Promise<string> => world.ok("ssh", "web", "cat /proc/sys/kernel/random/boot_id; cat /sys/class/net/eth0/address; ip -4 -o addr show dev eth0 | awk '{ print $4 }'");
    const before = await look();
    expect(before).toMatch(/^[0-9a-f-]{36}\n5a:94:ef:e4:0c:ee\n192\.168\.127\.2\/24\n$/);
    const pid = (): number | undefined => processes().find(({ role }) => role === "forwarder")?.identity.pid;
    const killed = pid() ?? Number.NaN;
    process.kill(killed, "SIGKILL");
    await vi.waitFor(() => expect([undefined, killed]).not.toContain(pid()), 10_000);
    await expect.poll(async () => (await inspect()).Condition, { timeout: 90_000, interval: 500 }).toBe("ok");
    expect(await look()).toBe(before);
    expect(await (await fetch(`http://127.0.0.1:${published}/motto`)).text()).toBe("one file, one machine\n");
    // Opened by the guest's podman, which does not ask again.
    expect(await (await fetch(`http://127.0.0.1:${containerPort}/`)).text()).toBe("hello from a container\n");
    expect(await podman("ps", "--format", "{{.Names}}")).toMatchObject({ code: 0, stdout: "hello\n" });
  });

  it("stops and leaves no process and no socket, and stopping again is fine", async () => {
    await world.ok("stop", "web");
    expect(processesOf(world.folder)).toEqual([]);
    expect(filesBelow(world.runtime)).toEqual([]);
    await world.ok("stop", "web");
  });

  it("boots again with its disk, which set has enlarged, without first boot, and rm --force leaves nothing", async () => {
    await world.ok("set", "--disk-size", "14", "web");
    await world.ok("start", "web");
    expect(Number((await world.ok("ssh", "web", "df --output=size -B1 / | tail -1")).trim())).toBeGreaterThan(12.5 * 2 ** 30);
    expect(await world.ok("ssh", "web", "sudo cat /var/lib/ran; podman images --format '{{.Repository}}' | grep -c hello")).toBe("ran\n1\n");
    await world.ok("rm", "--force", "web");
    expect(processesOf(world.folder)).toEqual([]);
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
    const { stdout } = await run("podman", ["system", "connection", "list", "--format", "{{.Name}}"], { env: world.env });
    expect(stdout.trim()).toBe("");
    expect((await run(unpackedTool("docker"), ["context", "ls", "--quiet"], { env: world.env })).stdout).toBe("default\n");
  });

  /** What the keeper has written down. */
  function processes(): readonly { readonly role: string; readonly identity: { readonly pid: number } }[] {
    return JSON.parse(readFileSync(join(world.runtime, "web/children.json"), "utf8"));
  }
});
