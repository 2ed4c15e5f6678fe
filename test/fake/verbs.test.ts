import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { freePort, holdPort } from "../support/free-port.ts";
import { program, World } from "../support/world.ts";

let world: World;
function worldWith(behaviour: FakeBehaviour = {}): World {
  world = new World(behaviour);
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  return world;
}
afterEach(async () => world.close());

const script = (extra = ""): string => `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false, ${extra} };\n`;
async function upBox(extra = ""): Promise<void> {
  world.write("box.ts", script(extra));
  await world.ok("up", "./box.ts");
}
async function json(...argv: string[]): Promise<unknown> {
  return JSON.parse(await world.ok(...argv, "--json"));
}

describe("cp", () => {
  it("copies both ways over the machine's own ssh, in podman's words", async () => {
    const files = join(worldWith().folder, "guest");
    mkdirSync(join(files, "srv"), { recursive: true });
    world.fakes?.behave({ qemu: { files } });
    await upBox();
    const work = join(world.folder, "work");
    mkdirSync(join(work, "site/css"), { recursive: true });
    writeFileSync(join(work, "site/css/a.css"), "body {}");
    expect(await world.ok("cp", "./site", "box:/srv")).toBe("Copy successful\n");
    expect(readFileSync(join(files, "srv/site/css/a.css"), "utf8")).toBe("body {}");
    writeFileSync(join(files, "srv/site/b"), "from the guest");
    expect(await world.ok("cp", "--quiet", "box:/srv/site/b", ".")).toBe("Copy successful\n");
    expect(readFileSync(join(work, "b"), "utf8")).toBe("from the guest");
    expect(await json("cp", "box:/srv/site/.", "./new")).toEqual({ Name: "box", Source: "box:/srv/site/.", Destination: "./new", Files: 2, Bytes: 21 });
    expect(await world.glowplug("cp", "box:/nothing", ".")).toMatchObject({ code: 125, stderr: expect.stringContaining("there is no /nothing on the guest") as string });
    await world.ok("stop", "box");
    expect(await world.glowplug("cp", "b", "box:/srv")).toMatchObject({ code: 125, stderr: expect.stringContaining('vm "box" is not running') as string });
  });
});

describe.each(["gvproxy", "slirp"])("port, under %s", (forwarder) => {
  it("opens and closes ports while the machine runs", async () => {
    const port = await freePort();
    const inSpec = await freePort();
    worldWith();
    await upBox(`forwarder: "${forwarder}", ports: ["${inSpec}:80"]`);
    expect(await world.ok("port", "add", "box", `${port}:7777`)).toBe(`127.0.0.1:${port} leads to port 7777/tcp of box\n`);
    expect(await json("port", "ls", "box")).toEqual([
      { HostIP: "127.0.0.1", HostPort: inSpec, GuestPort: 80, Protocol: "tcp", OpenedBy: "spec" },
      { HostIP: "127.0.0.1", HostPort: port, GuestPort: 7777, Protocol: "tcp", OpenedBy: "user" },
    ]);
    expect((await world.glowplug("port", "add", "box", `0.0.0.0:${port}:1`)).stderr).toContain(`Error: port ${port}/tcp of 127.0.0.1 leads to port 7777 of box already\n`);
    expect(await world.ok("port", "rm", "box", String(port))).toBe(`127.0.0.1:${port}/tcp is closed\n`);
    expect(await json("port", "ls", "box")).toHaveLength(1);
    expect((await world.glowplug("port", "rm", "box", String(port))).stderr).toContain("does not lead into box");
  });

  it("names the process that holds a port, and opens none of several then", async () => {
    const free = await freePort();
    worldWith();
    await upBox(`forwarder: "${forwarder}"`);
    const holder = await holdPort();
    const taken = holder.port;
    try {
      const { code, stderr } = await world.glowplug("port", "add", "box", `${free}:1`, `${taken}:2`);
      expect({ code, stderr }).toMatchObject({ code: 125, stderr: expect.stringMatching(new RegExp(`port ${taken}/tcp of the host is taken by .* \\(process ${process.pid}\\)`)) as string });
      expect(await json("port", "ls", "box")).toEqual([]);
    } finally {
      await holder.close();
    }
  });
});

describe("env", () => {
  it("prints what docker and podman in this shell need, while the machine runs", async () => {
    worldWith();
    world.write("box.ts", script("podman: true"));
    await world.ok("init", "./box.ts");
    expect(await world.glowplug("env", "box")).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining('vm "box" is not running\nhint: Start it') as string });
    await world.ok("start", "box");
    const address = `unix://${join(world.runtime, "box/podman.sock")}`;
    expect(await world.ok("env", "box", "--shell", "bash")).toBe(`export DOCKER_HOST='${address}'\nexport CONTAINER_HOST='${address}'\n`);
    expect(await json("env", "box")).toEqual({ DOCKER_HOST: address, CONTAINER_HOST: address });
  });
});

describe("image", () => {
  it("lists, pulls, verifies and removes; what a machine needs stays", async () => {
    worldWith();
    const [id = ""] = (await world.ok("image", "pull", "./base.raw")).split("\n");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await json("image", "ls")).toMatchObject([{ Id: id, Title: "base.raw", Format: "raw", VirtualSize: 64 * 2 ** 20, UsedBy: [] }]);
    world.write("box.ts", script());
    await world.ok("init", "./box.ts");
    expect(await json("image", "ls")).toMatchObject([{ Id: id, UsedBy: ["box"] }]);
    expect(await world.ok("image", "ls", "--quiet")).toBe(`${id.slice(0, 12)}\n`);
    expect(await world.ok("image", "verify", "--quiet")).toBe(`${id.slice(0, 12)} is whole\n`);
    expect((await world.glowplug("image", "rm", id.slice(0, 12))).stderr).toContain("is in use by box");
    expect(await world.ok("image", "prune", "--force")).toBe("Total reclaimed space: 0B\n");
    await world.ok("rm", "--force", "box");
    expect(await world.ok("image", "prune", "--force")).toMatch(new RegExp(`^${id}\nTotal reclaimed space: [1-9]`));
    expect(await json("image", "ls")).toEqual([]);
  });

  it("is told to be damaged by its digest", async () => {
    worldWith();
    await world.ok("image", "pull", "./base.raw");
    const [{ Path: path = "" } = {}] = (await json("image", "ls")) as { Path?: string }[];
    chmodSync(path, 0o600);
    writeFileSync(path, "changed");
    expect(await world.glowplug("image", "verify")).toMatchObject({ code: 125, stderr: expect.stringMatching(/the image \w{12} \(base.raw\) is damaged: expected sha256 /) as string });
  });
});

describe("events", () => {
  it("tells what happens to machines that come after it began, and ends well at Ctrl-C", async () => {
    worldWith();
    const child = spawn(process.execPath, [program, "events", "--json"], { env: world.env, cwd: join(world.folder, "work"), stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    const running = new Promise<void>((done) => child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('"state":"running"')) done();
    }));
    const ended = new Promise<number | null>((done) => child.once("exit", done));
    await upBox();
    await running;
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    const events = text.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.every(({ machine }) => machine === "box")).toBe(true);
    expect(events[0]).toMatchObject({ type: "phase", phase: "helpers", action: "begin" });
    expect(events.at(-1)).toMatchObject({ type: "state", state: "running" });
  });

  it("tells what has happened, and ends, with --stream=false", async () => {
    worldWith();
    await upBox();
    const past = (await world.ok("events", "--stream=false", "--since", "1h", "box")).trim().split("\n");
    expect(past.at(-1)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}box {2}state running$/);
    await world.ok("stop", "box");
    expect(await world.ok("events", "--stream=false", "--since", "1h")).toMatch(/box {2}state stopped\n$/);
  });
});

describe("a spec that changed after init", () => {
  it("is told field by field, and what a machine was made of stays in the record", async () => {
    const port = await freePort();
    worldWith();
    await upBox();
    world.write("box.ts", script(`packages: ["nginx"], ports: ["${port}:80"]`).replace("256MiB", "512MiB"));

    const packages = `Warning: packages: +nginx, which only a new machine gets: glowplug rm box, then glowplug init ${join(world.folder, "work/box.ts")}`;
    const up = await world.glowplug("up", "./box.ts");
    expect(up.stderr.split("\n")).toEqual(expect.arrayContaining([
      "memory: 256MiB → 512MiB, takes effect at the next start: glowplug restart box", `ports: +127.0.0.1:${port}:80/tcp, takes effect now`, packages,
    ]));
    expect(await json("port", "ls", "box")).toMatchObject([{ HostPort: port, GuestPort: 80, OpenedBy: "spec" }]);

    expect(await json("plan", "box", "--diff")).toMatchObject({ same: false, parts: [{ part: "VM", lines: expect.arrayContaining([{ sign: "-", text: "-m 256M" }, { sign: "+", text: "-m 512M", by: "qemu" }]) as unknown[] }] });
    const restart = await world.glowplug("restart", "box");
    expect(restart).toMatchObject({ code: 0 });
    expect(restart.stderr.split("\n")).toEqual(expect.arrayContaining(["memory: 256MiB → 512MiB, takes effect now", packages]));
    expect(restart.stderr).not.toContain("ports:");
    expect(await json("plan", "box", "--diff")).toEqual({ name: "box", same: true, parts: [] });

    // The packages are still missing in the guest, however often it started.
    expect((await world.glowplug("restart", "box")).stderr).toContain(packages);
    const [{ Spec: spec } = {}] = (await json("inspect", "box")) as { Spec?: { packages: unknown; memory: number } }[];
    expect(spec).toMatchObject({ packages: [], memory: 512 * 2 ** 20 });
  });

  it("may ask for a larger disk, which grows at the start", async () => {
    worldWith();
    await upBox();
    world.write("box.ts", script().replace("1GiB", "2GiB"));
    await world.ok("restart", "box");
    expect(world.fakes?.calls("qemu-img").filter(({ kind }) => kind === "resize").map(({ argv }) => argv.at(-1))).toEqual([String(2 * 2 ** 30)]);
  });
});

describe("set", () => {
  it("changes a stopped machine at once, and wins over the script until it is reset", async () => {
    worldWith();
    world.write("box.ts", script());
    await world.ok("init", "./box.ts");
    expect(await world.glowplug("set", "--memory", "512", "--disk-size", "2", "--rootful", "box")).toEqual({ code: 0, stdout: "", stderr: "memory: 256MiB → 512MiB\ndisk: 1GiB → 2GiB\nrootful: false → true\n" });
    expect(await json("inspect", "box")).toMatchObject([{ Resources: { CPUs: 1, Memory: 512, DiskSize: 2 }, Rootful: true, Overrides: { memory: "512MiB", disk: "2GiB", rootful: true } }]);
    expect(world.fakes?.calls("qemu-img").filter(({ kind }) => kind === "resize")).toHaveLength(1);
    await world.ok("start", "box");
    expect(world.fakes?.calls("qemu-system-x86_64").filter(({ kind }) => kind === "run").at(-1)?.argv).toEqual(expect.arrayContaining(["-m", "512M"]));
    await world.ok("stop", "box");
    expect((await world.glowplug("set", "--reset=memory,rootful", "box")).stderr).toContain("memory is set no longer");
    expect((await world.glowplug("start", "box")).stderr).toContain("memory: 512MiB → 256MiB, takes effect now\n");
    expect(await json("inspect", "box")).toMatchObject([{ Overrides: { disk: "2GiB" } }]);
  });

  it("leaves a running machine alone, in podman's words, and takes nothing for a change", async () => {
    worldWith();
    await upBox();
    const before = await world.ok("inspect", "--format", "{{json .Resources}} {{json .Overrides}}", "box");
    expect(await world.glowplug("set", "--memory", "512", "box")).toEqual({ code: 125, stdout: "", stderr: "Error: unable to change settings unless vm is stopped\nhint: Stop it first: glowplug stop box\n" });
    expect((await world.glowplug("set", "--disk-size", "1", "box")).stderr).toContain("new disk size must be larger than 1 GB");
    await world.ok("set", "box");
    expect(await world.ok("inspect", "--format", "{{json .Resources}} {{json .Overrides}}", "box")).toBe(before);
  });

  it("hands USB devices to the guest, and takes them away by an empty word", async () => {
    worldWith();
    world.write("box.ts", script());
    await world.ok("init", "./box.ts");
    await world.ok("set", "--usb", "devnum=2,bus=1", "--usb", "vendor=1D6B,product=2", "--import-native-ca", "box");
    expect(await json("inspect", "box")).toMatchObject([{ Overrides: { usb: ["devnum=2,bus=1", "vendor=1D6B,product=2"], importNativeCa: true }, ImportNativeCA: true }]);
    expect(await json("plan", "box")).toMatchObject({ vm: { line: expect.stringContaining("-device usb-host,hostbus=1,hostaddr=2 -device usb-host,vendorid=0x1d6b,productid=0x0002") as string } });
    await world.ok("set", "--usb", "", "box");
    expect(await json("inspect", "box")).toMatchObject([{ Resources: { USBs: [] } }]);
  });

  it("refuses in podman's words, and changes nothing then", async () => {
    worldWith();
    world.write("box.ts", script());
    await world.ok("init", "./box.ts");
    const before = await world.ok("inspect", "box");
    for (const [argv, message] of [
      [["--cpus", "4096"], /requested number of CPUs \(4096\) greater than number of host CPUs \(\d+\)/],
      [["--memory", "999999999"], /requested amount of memory \(999999999 MB\) greater than total system memory \(\d+ MB\)/],
      [["--usb", "bus=1"], /^Error: usb: fail to parse: missing ',': bus=1\n/],
      [["--user-mode-networking"], /setting --user-mode-networking is not supported on "linux" platforms/],
      [["--memory", "512", "--disk-size", "1"], /new disk size must be larger than 1 GB/],
      [["--reset=cpu"], /there is no field "cpu" to reset; did you mean "cpus"\?/],
      [["--reset=image"], /image is fixed when a machine is made/],
    ] as const) {
      expect(await world.glowplug("set", ...argv, "box")).toMatchObject({ code: 125, stderr: expect.stringMatching(message) as string });
    }
    expect(await world.ok("inspect", "box")).toBe(before);
  });
});

describe("restart", () => {
  it("keeps the machine's ssh port, its ports and its sockets", async () => {
    const port = await freePort();
    worldWith();
    await upBox(`podman: true, ports: ["${port}:80"]`);
    const facts = async (): Promise<unknown> => {
      const [{ SSHConfig, Ports, ConnectionInfo } = {}] = (await json("inspect", "box")) as { SSHConfig?: unknown; Ports?: unknown; ConnectionInfo?: unknown }[];
      return { SSHConfig, Ports, ConnectionInfo };
    };
    const before = await facts();
    await world.ok("restart", "box");
    expect(await facts()).toEqual(before);
  });

  it("leaves a machine running whose script does not load any more", async () => {
    worldWith();
    await upBox();
    world.write("box.ts", "export default {{{");
    expect(await world.glowplug("restart", "box")).toMatchObject({ code: 125 });
    expect(await json("inspect", "box")).toMatchObject([{ State: "running" }]);
  });
});
