import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { builtDisk } from "../support/built-disk.ts";
import { freePorts, holdPort } from "../support/free-port.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { machineOs } from "../support/oci-image.ts";
import { boots, podmanLine, podmanLinesWhile, writePodmanFiles } from "../support/podman-lines.ts";
import { askTcp, askUdp, expectEcho, serveEcho, serveEchoInContainer, type Published } from "../support/port-echo.ts";
import { filesBelow, processesOf, run, unpackedTool, World, type Ended } from "../support/world.ts";

describe("podman's own command lines that boot nothing, on a real disk", () => {
  let world: World;
  beforeAll(async () => {
    world = new World();
    writePodmanFiles(world);
    symlinkSync(await builtDisk(world), join(world.folder, "work/IMAGE"));
  });
  afterAll(() => world.close());

  describe.each(["none", "stopped"] as const)("on a machine that is %s", (state) => podmanLinesWhile(state, () => world, (line) => !boots(line)));
});

/** What nobody but a user of podman machine asks for, in one life: a registry's image, containers.conf, flags, ports, errors; the disk goes on under slirp. */
describe("what a user of podman machine has", () => {
  let world: World;
  let registry: TestRegistry;
  let registryFolder: string;
  /** The first of six ports in a row. */
  let first: number;
  const dev = (): { readonly world: World; readonly name: string } => ({ world, name: "dev" });
  const work = (...parts: string[]): string => join(world.folder, "work", ...parts);
  const machine = (...argv: string[]): Promise<Ended> => world.glowplug("machine", ...argv);
  const ok = (...argv: string[]): Promise<string> => world.ok("machine", ...argv);
  const ssh = (line: string): Promise<string> => ok("ssh", "dev", line);
  const kept = (name: string): string => join(world.folder, "data/glowplug/machines/dev", name);
  const podman = (...argv: string[]): Promise<Ended> => run("podman", argv, { env: world.env });
  const connections = async (): Promise<string[]> => (await podman("system", "connection", "ls", "--format", "{{.Name}} {{.Default}}")).stdout.trim().split("\n").sort();
  const refuses = async (message: string | RegExp, ...argv: string[]): Promise<void> => {
    const ended = await machine(...argv);
    expect(ended, argv.join(" ")).toMatchObject({ code: 125, stderr: (typeof message === "string" ? expect.stringContaining(`Error: ${message}\n`) : expect.stringMatching(message)) as string });
  };

  beforeAll(async () => {
    world = new World();
    const packed = work("disk.qcow2.zst");
    expect(await run("zstd", ["-q", "-1", "-T2", "-o", packed, await builtDisk(world)])).toMatchObject({ code: 0 });
    registryFolder = mkdtempSync(join(tmpdir(), "gp-registry-"));
    const plain = await startRegistry(registryFolder);
    await plain.push("machine-os", "12", machineOs(readFileSync(packed)));
    await plain.close();
    const [key, certificate] = [work("registry.key"), work("registry.pem")];
    expect(await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=nobody knows"])).toMatchObject({ code: 0 });
    registry = await startRegistry(registryFolder, { tls: { certificate, key } });

    mkdirSync(work("shared"));
    writeFileSync(work("shared/page"), "of the host\n");
    mkdirSync(work("helpers"));
    copyFileSync(unpackedTool("gvproxy"), work("helpers/gvproxy"));
    // A podman 5, whose connections have a file of their own.
    mkdirSync(work("bin"));
    symlinkSync(unpackedTool("podman-remote"), work("bin/podman"));
    // A store of its own: the disk must come out of the registry.
    Object.assign(world.env, { GLOWPLUG_STORE: join(world.folder, "data/glowplug/images"), SHARED: work("shared"), CONTAINERS_MACHINE_PROVIDER: "qemu", CONTAINERS_HELPER_BINARY_DIR: work("helpers"), no_proxy: "127.0.0.1", PATH: `${work("bin")}:${process.env["PATH"]}` });
    writeFileSync(join(world.folder, "config/containers.conf"), `# the user's own
[machine]
cpus = 1
memory = 1536
disk_size = 10
image = "docker://${registry.host}/machine-os:12"
provider = "applehv"
user = "worker"
volumes = ["$SHARED:/srv/shared:ro"]
`);
    expect(await podman("system", "connection", "add", "mine", "ssh://me@127.0.0.1:1/run/podman.sock")).toMatchObject({ code: 0 });
    first = await freePorts(6);
  });
  afterAll(async () => {
    await world.close();
    await registry.close();
    rmSync(registryFolder, { recursive: true });
  });

  describe("before there is a machine", () => {
    it("hears what cannot be, before anything is fetched", async () => {
      expect(await podman("system", "connection", "add", "dev-root", "ssh://me@127.0.0.1:1/run/podman.sock")).toMatchObject({ code: 0 });
      await refuses('system connection "dev-root" already exists. consider a different machine name or remove the connection with `podman system connection rm`', "init", "dev");
      expect(await podman("system", "connection", "rm", "dev-root")).toMatchObject({ code: 0 });
      await refuses('machine mount destination cannot be "/etc": consider another location or a subdirectory of an existing location', "init", "-v", `${work("shared")}:/etc`, "dev");
      await refuses(/^Error: .*\/nowhere/, "init", "-v", `${work("nowhere")}:/mnt/x`, "dev");
      await refuses("dev: VM does not exist", "start", "dev");
      await refuses(/certificate/, "init", "dev");
      expect(existsSync(join(world.folder, "data/glowplug/machines/dev"))).toBe(false);
      expect(filesBelow(join(world.folder, "data/glowplug/images")).filter((path) => path.endsWith("disk.qcow2"))).toEqual([]);
    });

    it("has no machine in info", async () => {
      expect(await ok("info", "--format", "{{.Host.NumberOfMachines}}|{{.Host.CurrentMachine}}|{{.Host.MachineState}}|{{.Host.VMType}}")).toBe("0|||qemu\n");
    });
  });

  it("makes a machine by containers.conf's table, of a disk in a registry whose certificate nobody knows", async () => {
    const said = await ok("init", "--tls-verify=false", "--usb", "vendor=1d6b,product=0104", "--update-connection", "-p", `${first}-${first + 1}:7000-7001`, "-p", `127.0.0.2:${first}:7002`, "-p", `[::1]:${first}:7003`, "-p", `${first + 2}-${first + 3}:7000-7001/udp`, "dev");
    expect(said).toMatch(/^Machine init complete\nTo start your machine run:\n\n\t\w+ (machine )?start dev\n\n$/m);
    expect(await ok("inspect", "--format", "{{.Resources.CPUs}} {{.Resources.Memory}} {{.Resources.DiskSize}} {{.SSHConfig.RemoteUsername}} {{json .Resources.USBs}}", "dev")).toBe('1 1536 10 worker [{"Bus":"","DevNumber":"","Vendor":7531,"Product":260}]\n');
    expect(readFileSync(join(world.folder, "config/containers.conf"), "utf8")).toContain("# the user's own\n[machine]\ncpus = 1\n");
  });

  it("is told who has a port that it wants, and nothing is left of that start", async () => {
    const holder = await holdPort();
    await ok("init", "--tls-verify=false", "-p", `${holder.port}:7000`, "other");
    await refuses(new RegExp(`port ${holder.port}/tcp of the host is taken by \\S.* \\(process ${process.pid}\\)`), "start", "other");
    await holder.close();
    expect(processesOf(world.folder)).toEqual([]);
    await ok("rm", "--force", "other");
  });

  it("starts once when it is started twice, and takes the default connection then, which was asked for", async () => {
    const ended = await Promise.all([1, 2].map(() => machine("start", "--update-connection", "--no-info", "dev")));
    expect(ended.map(({ code }) => code).sort()).toEqual([0, 125]);
    expect(ended.find(({ code }) => code === 0)?.stdout).toBe(`Starting machine "dev"\nMounting volume... ${work("shared")}:/srv/shared\nMachine "dev" started successfully\n`);
    expect(ended.find(({ code }) => code === 125)?.stderr).toContain('Error: unable to start "dev": already running\n');
    expect(await connections()).toEqual(["dev true", "dev-root false", "mine false"]);
    expect(await podman("info", "--format", "{{.Host.Security.Rootless}}")).toMatchObject({ code: 0, stdout: "true\n" });
  });

  it("is the user of the table, who may all that podman's user may", async () => {
    expect(await ssh("id -un; sudo id -un; loginctl show-user worker -p Linger --value; grep -c worker /etc/subuid /etc/subgid; readlink /run/docker.sock")).toBe("worker\nroot\nyes\n/etc/subuid:1\n/etc/subgid:1\n/run/user/1000/podman/podman.sock\n");
    expect(await ssh("nproc; cat /srv/shared/page; findmnt -n -o FSTYPE /srv/shared; touch /srv/shared/new 2>&1 | grep -o 'Read-only.*'")).toBe("1\nof the host\nvirtiofs\nRead-only file system\n");
  });

  it("has a USB controller for the device, and the helpers of the folder that it names", async () => {
    expect(await ssh("cat /sys/bus/pci/devices/*/class | grep -c 0x0c0330")).toBe("1\n");
    const lines = processesOf(world.folder);
    expect(lines.find((line) => line.includes("qemu-system"))).toContain("-device usb-host,vendorid=0x1d6b,productid=0x0104");
    expect(lines.some((line) => line.includes(work("helpers/gvproxy")))).toBe(true);
  });

  /** What the flags of init published. */
  const published = (): readonly Published[] => [
    { host: "127.0.0.1", port: first, guest: 7000, protocol: "tcp" }, { host: "127.0.0.1", port: first + 1, guest: 7001, protocol: "tcp" },
    { host: "127.0.0.2", port: first, guest: 7002, protocol: "tcp" }, { host: "::1", port: first, guest: 7003, protocol: "tcp" },
    { host: "127.0.0.1", port: first + 2, guest: 7000, protocol: "udp" }, { host: "127.0.0.1", port: first + 3, guest: 7001, protocol: "udp" },
  ];

  /** A guest that has booted takes a moment to start its own services. */
  const echoes = (ports = published()): Promise<void> => vi.waitFor(() => expectEcho(ports), { timeout: 60_000, interval: 500 });

  it("publishes ranges, datagrams, and on several addresses, and no address but those", async () => {
    await serveEcho(world, "dev", [7000, 7001, 7002, 7003]);
    await expectEcho(published());
    await expect(askTcp("127.0.0.2", first + 1, "hello")).rejects.toThrow("ECONNREFUSED");
  });

  it("opens ranges and datagrams while it runs, and closes them", async () => {
    const open = [{ host: "127.0.0.1", port: first + 4, guest: 7002, protocol: "udp" }, { host: "127.0.0.1", port: first + 5, guest: 7003, protocol: "udp" }, { host: "127.0.0.2", port: first + 4, guest: 7001, protocol: "tcp" }] as const;
    await world.ok("port", "add", "dev", `${first + 4}-${first + 5}:7002-7003/udp`, `127.0.0.2:${first + 4}:7001`);
    await expectEcho(open);
    await world.ok("port", "rm", "dev", `${first + 4}-${first + 5}:7002-7003/udp`);
    await expect(askUdp("127.0.0.1", first + 4, "hello")).rejects.toThrow(/aborted|ECONNREFUSED/);
    await expectEcho(open.slice(2));
  });

  it("opens what containers publish: ranges, datagrams, on the address that they name", async () => {
    await serveEchoInContainer(world, "dev", "echo", [`127.0.0.1:${first + 4}:7/udp`, `127.0.0.1:${first + 5}:7`]);
    await echoes([{ host: "127.0.0.1", port: first + 4, guest: 7, protocol: "udp" }, { host: "127.0.0.1", port: first + 5, guest: 7, protocol: "tcp" }]);
    await ssh("podman rm -f -t 0 echo");
    await vi.waitFor(() => expect(askTcp("127.0.0.1", first + 5, "hello")).rejects.toThrow(), { timeout: 30_000, interval: 500 });
  });

  it("is shown in info, and in templates of list and inspect", async () => {
    expect(await ok("info", "--format", "{{.Host.NumberOfMachines}} {{.Host.CurrentMachine}} {{.Host.DefaultMachine}} {{.Host.MachineState}}")).toBe("1 dev dev Running\n");
    expect(await ok("info")).toMatch(/^host:\n(?: {2}\w+: .*\n)* {2}machinestate: Running\n/);
    expect(JSON.parse(await ok("info", "-f", "json"))).toMatchObject({ Host: { NumberOfMachines: 1 }, Version: { OsArch: "linux/amd64" } });
    expect(await ok("list", "--format", "table {{.Name}}\t{{.VMType}}\t{{.LastUp}}\t{{.CPUs}}\t{{.Memory}}\t{{.DiskSize}}")).toMatch(/^NAME +VM TYPE +LAST UP +CPUS +MEMORY +DISK SIZE *\ndev\* +qemu +Currently running +1 +1.5GiB +10GiB *\n$/);
    expect(await ok("list", "--noheading", "--format", "{{.Name}} {{.Running}} {{.Starting}} {{.Default}} {{json .Port}}")).toMatch(/^dev\* true false true \d+\n$/);
    const [listed] = JSON.parse(await ok("list", "--format", "json")) as Record<string, unknown>[];
    expect(listed).toMatchObject({ Name: "dev", Default: true, Running: true, Starting: false, VMType: "qemu", CPUs: 1, Memory: "1610612736", DiskSize: "10737418240", RemoteUsername: "worker", UserModeNetworking: true });
    expect(await ok("inspect", "--format", '{{.State}} {{.LastUp.Format "2006"}} {{json .SSHConfig.RemoteUsername}}', "dev")).toBe(`running ${new Date().getFullYear()} "worker"\n`);
    await refuses(/can't evaluate field Nothing in type/, "list", "--format", "{{.Nothing}}");
    await refuses(/template/, "inspect", "--format", "{{range .}}{{.Name}}{{end}}", "dev");
  });

  it("is refused what a running machine cannot have", async () => {
    await refuses("unable to change settings unless vm is stopped", "set", "--memory", "1024", "dev");
    await refuses('running vm "dev" cannot be destroyed', "rm", "dev");
    await refuses('machine "dev" already exists', "init", "dev");
    await refuses(new RegExp(`port ${first + 1}/tcp of 127\\.0\\.0\\.1 leads to port 7001 of dev already`), "port", "add", "dev", `${first + 1}:1`);
  });

  it("has all its ports again after a stop and a start, whose file of connections was broken meanwhile and is kept", async () => {
    await podmanLine("running", "stop NAME", dev());
    await refuses("new disk size must be larger than 10 GB", "set", "--disk-size", "9", "dev");
    const file = world.env["PODMAN_CONNECTIONS_CONF"] ?? "";
    const good = readFileSync(file, "utf8");
    writeFileSync(file, `${good.slice(0, 40)} and then the disk was full`);
    const { stderr } = await podmanLine("stopped", "start NAME --quiet", dev());
    expect(stderr).toContain(file);
    expect(readFileSync(file, "utf8")).toContain("and then the disk was full");
    writeFileSync(file, good);
    await echoes();
  });

  it("has them after podman's restart, too, and after its forwarder was killed", async () => {
    await podmanLine("running", "restart NAME", dev());
    await echoes();
    const pidOf = ({ Processes }: Inspected): number | undefined => Processes.find(({ Name }) => Name === "gvproxy")?.Pid;
    const killed = pidOf(await inspectIn(world, "dev"));
    process.kill(killed ?? Number.NaN, "SIGKILL");
    await vi.waitFor(async () => {
      const now = await inspectIn(world, "dev");
      expect(now).toMatchObject({ Condition: "ok" });
      expect([undefined, killed]).not.toContain(pidOf(now));
    }, { timeout: 90_000, interval: 500 });
    await expectEcho(published());
  });

  it("keeps its disk when that is said, and another machine goes on with it, under slirp", async () => {
    await ssh("echo written before > ~/kept; sudo sync");
    await ok("stop", "dev");
    expect(await world.answer("n\n", "machine", "rm", "dev")).toMatchObject({ code: 0 });
    await ok("rm", "--force", "--save-image", "--save-ignition", "--save-keys", "dev");
    expect(JSON.parse((await run("qemu-img", ["info", "--output=json", kept("disk.qcow2")])).stdout)).not.toHaveProperty("backing-filename");
    expect(await connections()).toEqual(["mine true"]);
    await ok("init", "--forwarder", "slirp", "--image", kept("disk.qcow2"), "--update-connection=false", "-p", `${first}-${first + 1}:7000-7001`, "-p", `127.0.0.2:${first}:7002`, "-p", `${first + 2}:7003/udp`, "--now", "next");
    expect(await ok("ssh", "next", "id -un; cat kept")).toBe("worker\nwritten before\n");
    expect(await connections()).toEqual(["mine true", "next false", "next-root false"]);
  });

  it("publishes the same under slirp", async () => {
    await echoes([...published().slice(0, 3), { host: "127.0.0.1", port: first + 2, guest: 7003, protocol: "udp" }]);
    await world.ok("port", "add", "next", `${first + 3}:7001/udp`);
    await expectEcho([{ host: "127.0.0.1", port: first + 3, guest: 7001, protocol: "udp" }]);
  });

  it("opens what containers publish under slirp, and tells of datagrams that nothing carries to the guest's loopback", async () => {
    await serveEchoInContainer(world, "next", "echo", [`${first + 4}:7/udp`, `127.0.0.1:${first + 5}:7`, `127.0.0.1:${first + 5}:7/udp`]);
    await echoes([{ host: "127.0.0.1", port: first + 4, guest: 7, protocol: "udp" }, { host: "127.0.0.1", port: first + 5, guest: 7, protocol: "tcp" }]);
    await vi.waitFor(async () => expect(await inspectIn(world, "next")).toMatchObject({ Condition: "degraded", Reason: expect.stringContaining(`the port 127.0.0.1:${first + 5}:${first + 5}/udp of container echo is not open: no udp is carried`) as string }), { timeout: 30_000, interval: 500 });
    await ok("ssh", "next", "podman rm -f -t 0 echo");
    await vi.waitFor(async () => expect(await inspectIn(world, "next")).toMatchObject({ Condition: "ok", Reason: "" }), { timeout: 30_000, interval: 500 });
  });

  it("is gone by reset, a machine that runs too, once that is meant", async () => {
    const asked = /The following machine\(s\) will be deleted:\n\nNAME +PROVIDER *\nnext +qemu *\n\nAre you sure you want to continue\? \[y\/N\] /;
    expect(await world.answer("no\n", "machine", "reset")).toMatchObject({ code: 0, stdout: expect.stringMatching(asked) as string });
    expect(await ok("list", "--quiet")).toBe("next\n");
    expect(await world.answer("y\n", "machine", "reset")).toMatchObject({ code: 0 });
    expect([...processesOf(world.folder), ...filesBelow(world.runtime), ...filesBelow(join(world.folder, "data/glowplug/machines"))]).toEqual([]);
    expect(await connections()).toEqual(["mine true"]);
    expect(readFileSync(join(world.folder, "config/containers.conf"), "utf8")).toContain("# the user's own\n");
  });
});
