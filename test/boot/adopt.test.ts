import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { filesBelow, processesOf, run, World } from "../support/world.ts";

/** A real guest that loses its keeper, twice: under the real QEMU, gvproxy and virtiofsd, with a card on a shared network. */
describe("a real machine whose keeper was killed", () => {
  let world: World;
  let published: number;
  let before: string;

  const inspect = (): Promise<Inspected> => inspectIn(world, "web");
  const podman = async (...argv: string[]): ReturnType<typeof run> => run("podman", ["--remote", "--url", `unix://${(await inspect()).ConnectionInfo.PodmanSocket.Path}`, ...argv], { env: world.env });
  const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${published}/motto`, { headers: { connection: "close" } })).text();
  const pidOf = (role: string): number => (JSON.parse(readFileSync(join(world.runtime, "web/children.json"), "utf8")) as { role: string; identity: { pid: number } }[]).find((one) => one.role === role)?.identity.pid ?? Number.NaN;
  const log = (name: string): string => readFileSync(join(world.folder, "data/glowplug/machines/web/logs", name), "utf8");
  /** Tells one boot of the guest from another, and which addresses its cards have. */
  const look = (): Promise<string> => world.ok("ssh", "web", "cat /proc/sys/kernel/random/boot_id; ip -4 -o addr show | awk '{ print $2, $4 }' | sort; cat /srv/src/page");
  const settled = { timeout: 300_000, interval: 1000 };

  async function kill(pid: number): Promise<void> {
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(processesOf(world.folder).some((line) => line.startsWith(`${pid} `))).toBe(false), 10_000);
  }
  const killKeeper = async (): Promise<void> => kill((JSON.parse(readFileSync(join(world.runtime, "web/keeper.json"), "utf8")) as { pid: number }).pid);

  beforeAll(async () => {
    world = new World();
    published = await freePort();
    mkdirSync(join(world.folder, "work/src"));
    writeFileSync(join(world.folder, "work/src/page"), "from the host\n");
    // The second machine is never made: it is there so that the first one has a card on their network.
    world.write("pair.ts", `const common = { cpus: 2, memory: "2GiB", disk: "12GiB", image: "debian-bootstrap", forwarder: "gvproxy" };
export default {
  web: {
    ...common, ports: ["127.0.0.1:${published}:7000"], volumes: ["./src:/srv/src"],
    files: [{ path: "/etc/motto", content: "still here\\n" }],
    units: [{ name: "answer.service", content: "[Service]\\nExecStart=/bin/busybox httpd -f -p 7000 -h /etc\\n[Install]\\nWantedBy=multi-user.target\\n" }],
  },
  other: common,
};
`);
    await world.ok("up", "./pair.ts", "web");
    before = await look();
    expect(before).toMatch(/^[0-9a-f-]{36}\n(?:.*\n)*eth0 192\.168\.127\.2\/24\n(?:.*\n)*from the host\n$/);
    expect(before.match(/^eth\d /gm)).toHaveLength(2);
  });
  afterAll(() => world.close());

  it("goes on by itself, and is told of as it is", async () => {
    await killKeeper();
    expect(await inspect()).toMatchObject({ State: "running", Condition: "orphaned", Keeper: null, Reason: expect.stringMatching(/^its keeper was lost; .*gvproxy.* still run, and the next command that needs it gives it another keeper$/) as string });
    expect(await page()).toBe("still here\n");
    expect((await podman("ps")).code).not.toBe(0);
  });

  it("has all that it had once the next command has given it another keeper, and its guest knows nothing of it", async () => {
    const [vm, forwarder, helper] = ["vm", "forwarder", "helper"].map(pidOf);
    expect(await look()).toBe(before);
    expect(["vm", "forwarder", "helper"].map(pidOf)).toEqual([vm, forwarder, helper]);
    await expect.poll(async () => (await inspect()).Reason, settled).toBe("");
    expect(await inspect()).toMatchObject({ State: "running", Condition: "ok" });
    expect(await page()).toBe("still here\n");
    expect(await podman("info", "--format", "{{.Host.Security.Rootless}}")).toMatchObject({ code: 0, stdout: "true\n" });
    await world.ok("ssh", "web", "sudo sh -c 'echo heard by the new keeper > /dev/console'");
    await expect.poll(() => log("serial.log"), settled).toContain("heard by the new keeper");
  });

  it("has its network and its ports again when gvproxy is killed then", async () => {
    const forwarder = pidOf("forwarder");
    await kill(forwarder);
    await expect.poll(() => pidOf("forwarder"), settled).not.toSatisfy((pid: number) => pid === forwarder || Number.isNaN(pid));
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    expect(await page()).toBe("still here\n");
    expect(await look()).toBe(before);
  });

  it("is followed when it reboots", async () => {
    await world.glowplug("ssh", "web", "sudo systemctl reboot");
    await expect.poll(() => log("events.jsonl"), settled).toMatch(/"state":"rebooting"[\s\S]*"state":"running"/);
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    const after = await look();
    expect(after.split("\n")[0]).not.toBe(before.split("\n")[0]);
    expect(after.split("\n").slice(1)).toEqual(before.split("\n").slice(1));
  });

  it("is asked to power off by a stop that finds it without a keeper again: no process is left, and no data is lost", async () => {
    await world.ok("ssh", "web", "echo kept > kept");
    await killKeeper();
    await world.ok("stop", "web");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
    expect(log("serial.log")).toMatch(/(?:reboot: )?Power down/);
    await world.ok("start", "web");
    expect(await world.ok("ssh", "web", "cat kept")).toBe("kept\n");
    await world.ok("rm", "--force", "web");
    expect([processesOf(world.folder), filesBelow(world.runtime)]).toEqual([[], []]);
  });
});
