import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { freePort } from "../support/free-port.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { processesOf, World } from "../support/world.ts";

let world: World;
afterEach(() => world.close());

/** A machine that runs on fake programs, and two ports: one of its spec, one that a program in its guest has asked gvproxy for. */
async function machine(behaviour: FakeBehaviour = {}): Promise<{ readonly published: number; readonly asked: number }> {
  // The fake guest's ports are those of this host: this page is served in the guest.
  const server = createServer((_, answer) => answer.end("from the guest")).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [published, asked] = [await freePort(), await freePort()];
  world = new World(behaviour);
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  world.write("box.ts", `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy", podman: false, ports: ["${published}:${port}"] };\n`);
  await world.ok("up", "./box.ts");
  await askForPort(`127.0.0.1:${asked}`, `192.168.127.2:${port}`);
  // Whoever asks the keeper for the ports lets it look what the guest has asked for; it does so now and then by itself.
  expect(await openPorts()).toEqual([`${published} spec`, `${asked} guest`]);
  return { published, asked };
}

const inspect = (): Promise<Inspected> => inspectIn(world, "box");
const pidOf = async (name: string): Promise<number | undefined> => (await inspect()).Processes.find(({ Name }) => Name === name)?.Pid;
/** For what a machine comes to by itself. */
const settled = { timeout: 40_000, interval: 200 };

async function killGvproxy(): Promise<void> {
  process.kill((await pidOf("gvproxy")) ?? Number.NaN, "SIGKILL");
}

/** Asks gvproxy as the guest's podman does. */
async function askForPort(local: string, remote: string): Promise<void> {
  const sent = request({ socketPath: join(world.runtime, "box/net/api.sock"), path: "/services/forwarder/expose", method: "POST" });
  sent.end(JSON.stringify({ local, remote, protocol: "tcp" }));
  const [answer] = (await once(sent, "response")) as [{ statusCode: number; resume(): void }];
  answer.resume();
  expect(answer.statusCode).toBe(200);
}

async function openPorts(): Promise<readonly string[]> {
  const listed = JSON.parse(await world.ok("port", "ls", "--json", "box")) as { HostPort: number; OpenedBy: string }[];
  return listed.map(({ HostPort, OpenedBy }) => `${HostPort} ${OpenedBy}`);
}

const page = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).text();

describe("a forwarder that is killed", () => {
  it.each(["7.2.22", "9.2.0"])("comes back with every port that was open, and the guest under QEMU %s has its network without a boot", async (version) => {
    const { published, asked } = await machine({ qemu: { version } });
    const vm = await pidOf("qemu");
    const forwarder = await pidOf("gvproxy");
    await killGvproxy();
    await expect.poll(async () => [await pidOf("gvproxy"), (await inspect()).Condition], settled).not.toEqual([forwarder, expect.anything()]);
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("ok");
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
    expect([await page(published), await page(asked)]).toEqual(["from the guest", "from the guest"]);
    expect(await openPorts()).toEqual([`${published} spec`, `${asked} guest`]);
    expect(await pidOf("qemu")).toBe(vm);
  });

  it("again and again leaves the machine degraded with the reason, and comes back once it can", async () => {
    const { published } = await machine();
    world.fakes?.behave({ gvproxy: { exitAtStart: "no such device" } });
    await killGvproxy();
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(/^gvproxy has ended \d+ times in a row; last: gvproxy exited with 1: .*no such device/);
    expect(await inspect()).toMatchObject({ State: "running", Condition: "degraded" });
    world.fakes?.behave({});
    await expect.poll(() => page(published).catch(() => ""), settled).toBe("from the guest");
    expect(await world.ok("exec", "box", "echo", "still here")).toBe("still here\n");
  });

  it("leaves the machine degraded where somebody has taken a port meanwhile, and names it", async () => {
    const { published, asked } = await machine();
    world.fakes?.behave({ gvproxy: { exitAtStart: "not yet" } });
    await killGvproxy();
    const thief = createServer();
    onTestFinished(() => void thief.close());
    await expect.poll(async () => {
      thief.listen(published, "127.0.0.1");
      return Promise.race([once(thief, "listening").then(() => "taken"), once(thief, "error").then(() => "not yet free")]);
    }, settled).toBe("taken");
    world.fakes?.behave({});
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(new RegExp(`a port is not open any more: cannot open 127.0.0.1:${published}:\\d+/tcp: .*address already in use`));
    expect(await page(asked)).toBe("from the guest");
    thief.close();
    await world.ok("port", "rm", "box", String(published));
    expect(await inspect()).not.toMatchObject({ Reason: expect.stringContaining("a port is not open") });
  });

  it("leaves nothing behind when the machine is stopped while it is brought back", async () => {
    await machine();
    world.fakes?.behave({ gvproxy: { exitAtStart: "no" } });
    await killGvproxy();
    await world.ok("stop", "--force", "box");
    expect(processesOf(world.folder)).toEqual([]);
  });
});
