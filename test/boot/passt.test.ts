import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { filesBelow, processesOf, run, World } from "../support/world.ts";

/** A real guest behind the real passt, with two addons that speak to it after its start. */
describe("a real machine behind passt", () => {
  let world: World;
  let published: number;

  beforeAll(async () => {
    world = new World();
    published = await freePort();
    await world.ok("init", "--image", "debian-bootstrap", "--forwarder", "passt", "--plugin", "timezone", "--disk-size", "10", "--publish", `${published}:7000`, "small");
    Object.assign(world.env, { TZ: "America/New_York", http_proxy: "http://localhost:3128" });
    await world.ok("start", "small");
  });
  afterAll(() => world.close());

  it("runs on passt and QEMU beside its keeper", () => {
    expect(processesOf(world.folder).map((line) => /qemu-system|keeper|passt/.exec(line)?.[0]).sort()).toEqual(["keeper", "passt", "qemu-system"]);
  });

  it("answers over ssh, with the machine's own host key", async () => {
    const config = (await world.ok("ssh-config", "small", "--path")).trim();
    expect(await run("ssh", ["-F", config, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "small", "id -un; hostname"])).toMatchObject({ code: 0, stdout: "core\nsmall\n" });
  });

  it("publishes the port of the flag, and one that is opened while it runs", async () => {
    await world.ok("ssh", "small", "busybox httpd -p 7000 -h /etc");
    const later = await freePort();
    await world.ok("port", "add", "small", `${later}:7000`);
    for (const port of [published, later]) expect(await (await fetch(`http://127.0.0.1:${port}/hostname`)).text()).toBe("small\n");
    await world.ok("port", "rm", "small", String(later));
    await expect(fetch(`http://127.0.0.1:${later}/hostname`)).rejects.toThrow();
  });

  it("cannot close the port of the flag, and says so", async () => {
    expect(await world.glowplug("port", "rm", "small", String(published))).toMatchObject({ code: 125, stderr: expect.stringContaining("stays open as long as the machine runs") });
  });

  it("reaches the host's loopback by name", async () => {
    const server = createServer((_, answer) => answer.end("the host\n")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    expect(await world.ok("ssh", "small", `curl -s --noproxy '*' http://host.docker.internal:${port}/`)).toBe("the host\n");
  });

  it("serves podman's API on the host", async () => {
    const [machine] = JSON.parse(await world.ok("inspect", "small")) as { ConnectionInfo: { PodmanSocket: { Path: string } } }[];
    expect(await run("curl", ["-s", "--unix-socket", machine?.ConnectionInfo.PodmanSocket.Path ?? "", "http://d/_ping"])).toMatchObject({ code: 0, stdout: "OK" });
  });

  it("has the host's time zone and proxies, in services as well", async () => {
    expect(await world.ok("ssh", "small", "readlink /etc/localtime; sudo systemd-run -q --wait -P printenv http_proxy")).toBe("../usr/share/zoneinfo/America/New_York\nhttp://host.containers.internal:3128\n");
  });

  it("has its network and its ports again when passt is killed, without a boot", async () => {
    const look = (): Promise<string> => world.ok("ssh", "small", "cat /proc/sys/kernel/random/boot_id; ip -4 -o addr show scope global | awk '{ print $4 }'");
    const before = await look();
    expect(before).toMatch(/^[0-9a-f-]{36}\n10\.0\.2\.15\/24\n$/);
    const passt = (): number => Number(processesOf(world.folder).find((line) => line.includes("/passt"))?.split(" ")[0]);
    const killed = passt();
    process.kill(killed, "SIGKILL");
    await vi.waitFor(() => expect([Number.NaN, killed]).not.toContain(passt()), 10_000);
    await expect.poll(async () => (JSON.parse(await world.ok("inspect", "small")) as { Condition: string }[])[0]?.Condition, { timeout: 90_000, interval: 500 }).toBe("ok");
    expect(await look()).toBe(before);
    expect(await (await fetch(`http://127.0.0.1:${published}/hostname`)).text()).toBe("small\n");
  });

  it("is gone without a trace after rm --force", async () => {
    await world.ok("rm", "--force", "small");
    expect(processesOf(world.folder)).toEqual([]);
    expect([...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
  });
});
