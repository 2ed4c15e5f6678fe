import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { writeRawDisk } from "../support/disks.ts";
import { run, unpackedTool, World } from "../support/world.ts";

/** The world outside of machines on fake programs: files of podman's that real podman and docker clients then read. */
let world: World;
const clients = { "podman 4": "/usr/bin/podman", "podman 5": unpackedTool("podman-remote"), "no podman": undefined } as const;
type Client = keyof typeof clients;

/** A world whose host has this podman, and a docker client where it is asked for. */
function worldWith(client: Client, { docker = false } = {}): World {
  world = new World({});
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  const bin = world.fakes?.folder ?? "";
  const podman = clients[client];
  if (podman !== undefined) symlinkSync(podman, join(bin, "podman"));
  if (docker) symlinkSync(unpackedTool("docker"), join(bin, "docker"));
  // And no podman of the system's; the fakes are programs for node.
  symlinkSync(process.execPath, join(bin, "node"));
  world.env["PATH"] = bin;
  world.write("web.ts", script());
  return world;
}
afterEach(async () => world.close());

const script = (extra = ""): string => `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy", launcher: ["qemu", { accelerator: "tcg" }], ${extra} };\n`;
const jsonFile = (): string => join(world.folder, "config/connections.json");
const confFile = (): string => join(world.folder, "config/containers.conf");

interface Listed {
  readonly Name: string;
  readonly URI: string;
  readonly Identity: string;
  readonly Default: boolean;
}
/** What the host's own podman sees. */
async function listed(client: Exclude<Client, "no podman">): Promise<readonly Listed[]> {
  const { code, stdout, stderr } = await run(clients[client], ["system", "connection", "list", "--format", "json"], { env: { ...world.env, PATH: process.env["PATH"] } });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return (JSON.parse(stdout || "[]") as Listed[]).map((one) => ({ ...one, Name: one.Name.replace("*", "") })).sort((one, other) => (one.Name < other.Name ? -1 : 1));
}
const brief = async (client: Exclude<Client, "no podman">): Promise<readonly string[]> => (await listed(client)).map(({ Name, Default }) => (Default ? `${Name}*` : Name));
const podman = (client: Exclude<Client, "no podman">, ...argv: string[]) => run(clients[client], ["system", "connection", ...argv], { env: { ...world.env, PATH: process.env["PATH"] } });

describe.each(["podman 4", "podman 5"] as const)("the connections that %s sees", (client) => {
  it("come with init and go with rm, the first ever being the default", async () => {
    worldWith(client);
    await world.ok("init", "./web.ts");
    const key = join(world.folder, "data/glowplug/machines/web/id_ed25519");
    const [web, root] = await listed(client);
    expect(web).toMatchObject({ Name: "web", URI: `unix://${join(world.runtime, "web/podman.sock")}`, Identity: key, Default: true });
    expect(root).toMatchObject({ Name: "web-root", URI: `unix://${join(world.runtime, "web/root.sock")}`, Identity: key, Default: false });
    await world.ok("rm", "--force", "web");
    expect(await listed(client)).toEqual([]);
    expect(readFileSync(confFile(), "utf8")).toBe("");
  });

  it("begin with root's on a rootful machine, and the default goes along when that changes", async () => {
    worldWith(client);
    world.write("web.ts", script("rootful: true"));
    await world.ok("init", "./web.ts");
    expect(await brief(client)).toEqual(["web", "web-root*"]);
    world.write("web.ts", script("rootful: false"));
    await world.ok("start", "web");
    expect(await brief(client)).toEqual(["web*", "web-root"]);
    await world.ok("stop", "web");
    await world.ok("set", "--rootful", "web");
    expect(await brief(client)).toEqual(["web", "web-root*"]);
  });

  it("leave another's default alone, but for a request, and give it back", async () => {
    worldWith(client);
    await podman(client, "add", "mine", "ssh://me@127.0.0.1:1/run/podman.sock");
    await world.ok("init", "./web.ts");
    expect(await brief(client)).toEqual(["mine*", "web", "web-root"]);
    await world.ok("start", "--update-connection", "web");
    expect(await brief(client)).toEqual(["mine", "web*", "web-root"]);
    await world.ok("rm", "--force", "web");
    expect(await brief(client)).toEqual(["mine*"]);
    await world.ok("init", "--now", "--update-connection", "--script", "./web.ts");
    expect(await brief(client)).toEqual(["mine", "web*", "web-root"]);
  });

  it("have names of their own: a taken one is refused in podman's words before anything is fetched", async () => {
    worldWith(client);
    await podman(client, "add", "web-root", "ssh://me@127.0.0.1:1/run/podman.sock");
    rmSync(join(world.folder, "work/base.raw"));
    expect(await world.glowplug("init", "./web.ts")).toMatchObject({
      code: 125, stderr: expect.stringContaining('Error: system connection "web-root" already exists. consider a different machine name or remove the connection with `podman system connection rm`') as string,
    });
    expect((await listed(client)).map(({ Name, URI }) => [Name, URI])).toEqual([["web-root", "ssh://me@127.0.0.1:1/run/podman.sock"]]);
  });

  it("come back at the next start where they were removed", async () => {
    worldWith(client);
    await world.ok("init", "./web.ts");
    const before = await listed(client);
    await podman(client, "rm", "web");
    await world.ok("start", "web");
    expect((await listed(client)).map(({ Name, URI }) => [Name, URI])).toEqual(before.map(({ Name, URI }) => [Name, URI]));
  });

  it("lead to the engine that each is called after, whichever the machine prefers", async () => {
    worldWith(client);
    await world.ok("init", "./web.ts");
    await world.ok("set", "--rootful", "web");
    await world.ok("start", "web");
    expect((await listed(client)).map(({ Name, URI }) => [Name, URI])).toEqual([["web", `unix://${join(world.runtime, "web/user.sock")}`], ["web-root", `unix://${join(world.runtime, "web/podman.sock")}`]]);
    for (const name of ["web", "web-root"]) expect(await run(clients[client], ["--connection", name, "ps", "--format", "{{.Names}}"], { env: { ...world.env, PATH: process.env["PATH"] } }), name).toMatchObject({ code: 0 });
  });
});

it("the connections move to the new file when podman 5 takes the place of podman 4", async () => {
  worldWith("podman 4");
  await world.ok("init", "./web.ts");
  const bin = world.fakes?.folder ?? "";
  rmSync(join(bin, "podman"));
  symlinkSync(clients["podman 5"], join(bin, "podman"));
  await world.ok("start", "web");
  expect(readFileSync(confFile(), "utf8")).toBe("");
  expect(await brief("podman 5")).toEqual(["web*", "web-root"]);
});

describe("a file of connections", () => {
  it("is made where no podman is installed, for the one that will be", async () => {
    worldWith("no podman");
    await world.ok("init", "./web.ts");
    expect(JSON.parse(readFileSync(jsonFile(), "utf8"))).toMatchObject({ Connection: { Default: "web", Connections: { web: { IsMachine: true }, "web-root": { IsMachine: true } } } });
    expect(await brief("podman 5")).toEqual(["web*", "web-root"]);
    await world.ok("rm", "--force", "web");
    expect(JSON.parse(readFileSync(jsonFile(), "utf8"))).toEqual({ Connection: {} });
  });

  it("that is damaged is told and kept, and the connections come at the first start after it was mended", async () => {
    worldWith("podman 5");
    writeFileSync(jsonFile(), '{"Connection": {');
    const { code, stderr } = await world.glowplug("init", "./web.ts");
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`podman connection web was not made: podman's connections cannot be read: ${jsonFile()}: `) as string });
    expect(readFileSync(jsonFile(), "utf8")).toBe('{"Connection": {');
    writeFileSync(jsonFile(), "{}");
    await world.ok("start", "web");
    expect(await brief("podman 5")).toEqual(["web*", "web-root"]);
    writeFileSync(jsonFile(), "nothing");
    expect((await world.glowplug("rm", "--force", "web")).stderr).toContain("podman connection web, podman connection web-root was not undone: podman's connections cannot be read");
    expect(readFileSync(jsonFile(), "utf8")).toBe("nothing");
  });

  it("of podman 4 keeps the user's settings, comments and all", async () => {
    worldWith("podman 4");
    const mine = "# how I like it\n[containers]\nlog_size_max = 10000 # small\n\n[engine] # mine\ncgroup_manager = \"cgroupfs\"\n";
    writeFileSync(confFile(), mine);
    await world.ok("init", "./web.ts");
    expect(readFileSync(confFile(), "utf8")).toContain('[engine] # mine\ncgroup_manager = "cgroupfs"\nactive_service = "web"\n');
    expect(await brief("podman 4")).toEqual(["web*", "web-root"]);
    await world.ok("rm", "--force", "web");
    expect(readFileSync(confFile(), "utf8")).toBe(mine);
  });
});

describe("the docker client's contexts", () => {
  const docker = (...argv: string[]) => run(unpackedTool("docker"), argv, { env: world.env });
  const contexts = async (): Promise<readonly string[]> => (await docker("context", "ls", "--format", "{{.Name}} {{.DockerEndpoint}}")).stdout.trim().split("\n").filter((line) => !line.startsWith("default "));

  it("get one of the machine's name, that leads to its podman, and lose it with the machine", async () => {
    worldWith("no podman", { docker: true });
    await world.ok("init", "./web.ts");
    expect(await contexts()).toEqual([`web unix://${join(world.runtime, "web/podman.sock")}`]);
    await docker("context", "use", "web");
    await world.ok("rm", "--force", "web");
    expect(await contexts()).toEqual([]);
  });

  it("of somebody else are left alone", async () => {
    worldWith("no podman", { docker: true });
    await docker("context", "create", "web", "--docker", "host=tcp://127.0.0.1:1");
    expect((await world.glowplug("init", "./web.ts")).stderr).toMatch(/podman: docker context web was not made: docker ended with exit status 1: .*already exists/);
    await world.ok("rm", "--force", "web");
    expect(await contexts()).toEqual(["web tcp://127.0.0.1:1"]);
  });
});
