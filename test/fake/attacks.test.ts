import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { makeKeyPair } from "../../core/keys.ts";
import { startFakeGuest } from "../fixtures/guest.ts";
import { writeRawDisk } from "../support/disks.ts";
import { filesBelow, run, unpackedTool, World } from "../support/world.ts";

let world: World;
afterEach(async () => world.close());

/** A world with clients of podman and docker, and a script of machines of these names. */
function worldWith(...names: readonly string[]): World {
  world = new World({});
  writeRawDisk(join(world.folder, "work/base.raw"), { size: 64 * 2 ** 20 });
  const bin = world.fakes?.folder ?? "";
  for (const [name, program] of [["podman", unpackedTool("podman-remote")], ["docker", unpackedTool("docker")]] as const) symlinkSync(program, join(bin, name));
  world.write("all.ts", `export default ${JSON.stringify(Object.fromEntries(names.map((name) => [name, { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", forwarder: "gvproxy" }])))};\n`);
  return world;
}
const inMachine = (name: string, file: string): string => readFileSync(join(world.folder, "data/glowplug/machines", name, file), "utf8");
const sshPort = async (name: string): Promise<number> => Number(await world.ok("inspect", "--format", "{{.SSHConfig.Port}}", name));

describe("keys", () => {
  it("are each machine's own: no other machine lets them in, and none has another's host key", async () => {
    worldWith("web", "db");
    await world.ok("up", "./all.ts");
    for (const file of ["id_ed25519", "id_ed25519.pub", "known_hosts"]) expect(inMachine("web", file).replace("web", "")).not.toBe(inMachine("db", file).replace("db", ""));
    const web = (await world.ok("ssh-config", "web", "--path")).trim();
    const login = (...more: readonly string[]) => run("ssh", ["-F", web, "-o", "BatchMode=yes", ...more, "web", "echo in"], { env: world.env });
    expect(await login()).toMatchObject({ code: 0, stdout: "in\n" });
    const port = await sshPort("db");
    expect(await login("-p", String(port))).toMatchObject({ code: 255, stdout: "", stderr: expect.stringContaining("Host key verification failed.") as string });
    expect(await login("-p", String(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")).toMatchObject({ code: 255, stdout: "", stderr: expect.stringContaining("Permission denied") as string });
  });
});

describe("whoever listens on the ssh port of a machine that is stopped", () => {
  it("is given nothing: by podman, docker, ssh or glowplug", async () => {
    worldWith("web");
    await world.ok("up", "./all.ts");
    await world.ok("stop", "web");
    const port = await sshPort("web");
    const asked: string[] = [];
    const rogue = await startFakeGuest({ hostKey: makeKeyPair("rogue").privateKey, authorizedKey: inMachine("web", "id_ed25519.pub").trim(), port, socketPath: (path) => (asked.push(path), path) });
    onTestFinished(() => rogue.close());
    const env = { ...world.env, PATH: `${world.fakes?.folder ?? ""}:${process.env["PATH"]}` };
    const config = (await world.ok("ssh-config", "web", "--path")).trim();
    for (const [program, ...argv] of [
      ["podman", "--connection", "web", "ps"], ["podman", "--connection", "web-root", "ps"], ["podman", "--remote", "ps"], ["docker", "--context", "web", "ps"],
      ["ssh", "-F", config, "-o", "BatchMode=yes", "web", "id"],
    ] as const) {
      expect((await run(program, argv, { env })).code, argv.join(" ")).not.toBe(0);
    }
    for (const argv of [["ssh", "web", "id"], ["exec", "web", "id"], ["cp", "./all.ts", "web:/tmp"], ["env", "web"]]) expect((await world.glowplug(...argv)).code, argv.join(" ")).toBe(125);
    expect([rogue.commands, asked, rogue.connections.size]).toEqual([[], [], 0]);
    // The next start takes another port, and everything follows.
    expect((await world.glowplug("start", "web")).stderr).toContain("detected port conflict on machine ssh port");
    expect(await run("podman", ["--connection", "web", "ps"], { env })).toMatchObject({ code: 0 });
    expect(await run("docker", ["--context", "web", "ps"], { env })).toMatchObject({ code: 0 });
    expect([rogue.commands, asked, rogue.connections.size]).toEqual([[], [], 0]);
  });
});

describe("a link in the place of a runtime folder", () => {
  function plant(place: string): string {
    const elsewhere = join(world.folder, "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "precious"), "precious\n");
    chmodSync(elsewhere, 0o777);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    symlinkSync(elsewhere, place);
    return elsewhere;
  }

  it("is refused, and nothing is written or removed where it leads", async () => {
    worldWith("web");
    await world.ok("init", "./all.ts");
    const elsewhere = plant(world.runtime);
    expect(await world.glowplug("start", "web")).toMatchObject({ code: 125, stderr: expect.stringContaining(`Error: ${world.runtime} is a symbolic link`) as string });
    expect(filesBelow(elsewhere)).toEqual([join(elsewhere, "precious")]);
    rmSync(world.runtime);
    await world.ok("start", "web");
  });

  it("of a machine is taken away, and not followed", async () => {
    worldWith("web");
    await world.ok("init", "./all.ts");
    const place = join(world.runtime, "web");
    const elsewhere = plant(place);
    await world.ok("start", "web");
    expect(lstatSync(place).isDirectory()).toBe(true);
    expect(filesBelow(elsewhere)).toEqual([join(elsewhere, "precious")]);
  });
});
