import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shareTag } from "glowplug";
import type { FakeBehaviour } from "../fixtures/fakes.ts";
import { writeRawDisk } from "../support/disks.ts";
import { inspectIn, type Inspected } from "../support/inspected.ts";
import { processesOf, World } from "../support/world.ts";

let world: World;
const folder = (name: string): string => join(world.folder, "work", name);

async function worldWith(behaviour: FakeBehaviour = {}, extra = ""): Promise<void> {
  world = new World(behaviour);
  writeRawDisk(folder("base.raw"), { size: 64 * 2 ** 20 });
  for (const name of ["src", "more", "with space, and comma"]) mkdirSync(folder(name));
  world.write("box.ts", `export default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false, forwarder: "slirp", ${extra} };\n`);
}
afterEach(async () => world.close());

async function json(...argv: string[]): Promise<unknown> {
  return JSON.parse(await world.ok(...argv, "--json"));
}
const volume = (name: string, target: string, parts: object = {}): object => ({ Source: folder(name), Target: target, Mode: "rw", Type: "virtiofs", Status: "mounted", ...parts });
const daemons = (): string[] => processesOf(world.folder).filter((line) => line.includes("--shared-dir")).map((line) => line.replace(/.*--shared-dir (.*) --sandbox.*/, "$1"));
const mounted = (): string[] => (world.fakes?.commands() ?? []).filter(({ command }) => command.includes("mount -t")).map(({ command }) => command);

describe("volume", () => {
  it("adds folders to a running machine and removes them, and a restart has what was left", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src:ro"]');
    await world.ok("up", "./box.ts");
    expect(await world.ok("volume", "add", "box", "more:/mnt/more", "with space, and comma:/mnt/a b:ro")).toBe(
      `${folder("more")} is /mnt/more in box\n${folder("with space, and comma")} is /mnt/a b in box\n`,
    );
    const all = [volume("src", "/srv/src", { Mode: "ro" }), volume("more", "/mnt/more"), volume("with space, and comma", "/mnt/a b", { Mode: "ro" })];
    expect(await json("volume", "ls", "box")).toEqual(all);
    expect(daemons()).toEqual(["src", "more", "with space, and comma"].map(folder));
    expect(mounted().at(-1)).toContain(`volume virtiofs ${shareTag("/mnt/a b")} ro`);
    expect(await json("inspect", "box")).toMatchObject([{ Condition: "ok", Volumes: all.map((one) => expect.objectContaining({ Target: (one as { Target: string }).Target }) as unknown) }]);

    expect(await world.ok("volume", "rm", "box", "/mnt/more/", "/srv/src")).toBe(`${folder("more")} is no longer /mnt/more in box\n${folder("src")} is no longer /srv/src in box\n`);
    expect(daemons()).toEqual([folder("with space, and comma")]);
    expect(await json("inspect", "box")).toMatchObject([{ Condition: "ok", Reason: "" }]);
    await world.ok("restart", "box");
    expect(await json("volume", "ls", "box")).toEqual([volume("with space, and comma", "/mnt/a b", { Mode: "ro" })]);
    expect(daemons()).toEqual([folder("with space, and comma")]);

    await world.ok("set", "--reset=volumes", "box");
    await world.ok("restart", "box");
    expect(daemons()).toEqual([folder("src")]);
  });

  it("changes a stopped machine for its next start", async () => {
    await worldWith();
    await world.ok("init", "./box.ts");
    expect(await world.ok("volume", "add", "box", "src:/srv/src")).toBe(`${folder("src")} is /srv/src in box, from the next start on\n`);
    expect(await world.ok("volume", "ls", "box", "--format", "{{.Target}} {{.Status}}")).toBe("/srv/src next start\n");
    await world.ok("start", "box");
    expect(await json("volume", "ls", "box")).toEqual([volume("src", "/srv/src")]);
  });

  it("refuses what cannot be, and changes nothing", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src"]');
    await world.ok("init", "./box.ts");
    const refusals: readonly (readonly [argv: readonly string[], message: string])[] = [
      [["add", "box", "nothing:/mnt/x"], "there is no folder "],
      [["add", "box", "src:/usr/"], 'machine mount destination cannot be "/usr": consider another location or a subdirectory of an existing location'],
      [["add", "box", "/tmp"], 'machine mount destination cannot be "/tmp"'],
      [["add", "box", "more:/srv/src"], "box has a volume at /srv/src already: "],
      [["add", "box", "more:/mnt/x:rx"], 'expected the option ro or rw, found "rx"'],
      [["rm", "box", "/mnt/x"], "box has no volume at /mnt/x"],
      [["add", "fox", "src:/mnt/x"], "fox: VM does not exist"],
    ];
    for (const [argv, message] of refusals) {
      expect(await world.glowplug("volume", ...argv)).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining(message) as string });
    }
    expect(await json("volume", "ls", "box")).toHaveLength(1);
  });

  it("takes a folder back from the VM that its guest cannot mount", async () => {
    await worldWith({ qemu: { commands: [{ match: "volume virtiofs volume-", run: "echo '/mnt/more: mount: unknown filesystem type' >&2; exit 1" }] } });
    await world.ok("init", "./box.ts");
    await world.ok("start", "box");
    expect(await world.glowplug("volume", "add", "box", "more:/mnt/more")).toMatchObject({ code: 125, stderr: expect.stringContaining("/mnt/more: mount: unknown filesystem type") as string });
    expect(daemons()).toEqual([]);
    expect(await json("volume", "ls", "box")).toEqual([]);
    expect(await json("inspect", "box")).toMatchObject([{ Condition: "ok", Reason: "" }]);
  });

  it("keeps a volume that the guest still uses", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src"]');
    world.fakes?.behave({ qemu: { commands: [{ match: "take_down volume-", run: "echo '/srv/src: umount: target is busy' >&2; exit 1" }] } });
    await world.ok("up", "./box.ts");
    const { code, stderr } = await world.glowplug("volume", "rm", "box", "/srv/src");
    expect({ code, stderr }).toMatchObject({ code: 125, stderr: expect.stringContaining("A program or container of the guest uses the volume: stop it first.") as string });
    expect(daemons()).toEqual([folder("src")]);
  });

  it.each<[string, FakeBehaviour, string]>([
    ["a virtiofsd that fails", { virtiofsd: { exitAtStart: "out of luck" } }, "virtiofsd /mnt/more ended before it listened"],
    ["a VM that refuses the device", { qemu: { refuseDevice: "vhost-user-fs-pci" } }, "does not support hotplugging"],
  ])("leaves nothing behind after %s", async (_, behaviour, message) => {
    await worldWith(behaviour);
    await world.ok("init", "./box.ts");
    await world.ok("start", "box");
    expect(await world.glowplug("volume", "add", "box", "more:/mnt/more")).toMatchObject({ code: 125, stderr: expect.stringContaining(message) as string });
    await vi.waitFor(() => expect(daemons()).toEqual([]), 10_000);
    expect(await json("inspect", "box")).toMatchObject([{ Condition: "ok", Volumes: [] }]);
  });

  it("waits for the next start where the launcher has no virtiofsd", async () => {
    await worldWith();
    world.write("box.ts", `import qemu from "glowplug/plugins/launchers/qemu";\nexport default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false, forwarder: "slirp", launcher: qemu({ virtiofsd: false }) };\n`);
    await world.ok("up", "./box.ts");
    const { stdout, stderr } = await world.glowplug("volume", "add", "box", "more:/mnt/more");
    expect({ stdout, stderr }).toEqual({ stdout: `${folder("more")} is /mnt/more in box, from the next start on\n`, stderr: expect.stringContaining("box cannot be given this folder while it runs") as string });
    expect(await json("volume", "ls", "box")).toEqual([volume("more", "/mnt/more", { Type: "", Status: "next start" })]);
    const restarted = await world.glowplug("restart", "box");
    expect(restarted.stderr).toContain("Volumes go over 9p, which is slow: install virtiofsd for virtiofs.");
    expect(await json("volume", "ls", "box")).toEqual([volume("more", "/mnt/more", { Type: "9p" })]);
  });
});

describe("a virtiofsd that is killed", () => {
  const inspect = (): Promise<Inspected> => inspectIn(world, "box");
  const pid = async (target: string): Promise<number | undefined> => (await inspect()).Processes.find(({ Name }) => Name === `virtiofsd ${target}`)?.Pid;
  const settled = { timeout: 40_000, interval: 200 };
  async function kill(target: string): Promise<number> {
    const killed = (await pid(target)) ?? Number.NaN;
    process.kill(killed, "SIGKILL");
    return killed;
  }
  const wellWithout = (target: string, killed: number) => expect.poll(async () => [await pid(target), (await inspect()).Condition], settled).toEqual([expect.toSatisfy((now) => now !== undefined && now !== killed), "ok"] as unknown);
  const tag = shareTag("/srv/src");

  it("is back behind a new device, which the guest mounts, and the old one goes", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src"]');
    await world.ok("up", "./box.ts");
    await world.ok("volume", "add", "box", "more:/mnt/more");
    for (const target of ["/srv/src", "/mnt/more"]) await wellWithout(target, await kill(target));
    expect(daemons().sort()).toEqual([folder("more"), folder("src")]);
    expect(await json("volume", "ls", "box")).toEqual([volume("src", "/srv/src"), volume("more", "/mnt/more")]);
    const lines = mounted().join("\n");
    expect(lines).toContain(`let_go ${tag} /srv/src /srv/src`);
    expect(lines).toContain(`volume virtiofs ${tag}-2 rw /srv/src`);
    // The first name is free again.
    await wellWithout("/srv/src", await kill("/srv/src"));
    expect(mounted().at(-1)).toContain(`volume virtiofs ${tag} rw /srv/src`);
    await world.ok("volume", "rm", "box", "/mnt/more");
    expect(await json("inspect", "box")).toMatchObject([{ Condition: "ok", Reason: "" }]);
    await world.ok("restart", "box");
    expect(daemons()).toEqual([folder("src")]);
  });

  it("is back, and the machine tells that programs of its guest wait for the old one until it boots anew", async () => {
    await worldWith({ qemu: { commands: [{ match: "request_wait_answer", run: "exit 1" }] } }, 'volumes: ["./src:/srv/src"]');
    await world.ok("up", "./box.ts");
    const killed = await kill("/srv/src");
    await expect.poll(async () => (await inspect()).Reason, settled).toBe("programs in the guest wait for /srv/src as it was before virtiofsd /srv/src ended; `glowplug restart box` ends that");
    expect(await pid("/srv/src")).not.toBe(killed);
    // Whoever has the guest mount something has it let go of the old one first.
    await world.ok("volume", "add", "box", "more:/mnt/more");
    expect(mounted().at(-1)).toMatch(new RegExp(`let_go ${tag} /srv/src /srv/src[^]*volume virtiofs \\S+ rw /mnt/more`));
    await world.ok("volume", "rm", "box", "/mnt/more");
    expect(mounted().at(-1)).toContain(`let_go ${tag} /srv/src /srv/src`);
    await world.glowplug("ssh", "box", "sudo reboot");
    await expect.poll(inspect, settled).toMatchObject({ Condition: "ok", Reason: "" });
    expect(daemons()).toEqual([folder("src")]);
  });

  it("leaves the machine degraded with the reason as long as it cannot be back", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src"]');
    await world.ok("up", "./box.ts");
    world.fakes?.behave({ virtiofsd: { exitAtStart: "out of luck" } });
    await kill("/srv/src");
    await expect.poll(async () => (await inspect()).Reason, settled).toMatch(/^virtiofsd \/srv\/src has ended \d+ times in a row; last: virtiofsd \/srv\/src ended before it listened: .*out of luck/);
    world.fakes?.behave({});
    await expect.poll(inspect, settled).toMatchObject({ Condition: "ok", Reason: "" });
    world.fakes?.behave({ virtiofsd: { exitAtStart: "out of luck" } });
    await kill("/srv/src");
    await expect.poll(async () => (await inspect()).Condition, settled).toBe("degraded");
    await world.ok("volume", "rm", "box", "/srv/src");
    await expect.poll(inspect, settled).toMatchObject({ Condition: "ok", Reason: "" });
  });

  it("leaves the machine degraded where its VM can be given no folder while it runs", async () => {
    await worldWith();
    world.write("box.ts", `import qemu from "glowplug/plugins/launchers/qemu";\nexport default { image: "./base.raw", disk: "1GiB", cpus: 1, memory: "256MiB", podman: false, forwarder: "slirp", volumes: ["./src:/srv/src"], launcher: qemu({ machine: "q35" }) };\n`);
    await world.ok("up", "./box.ts");
    await kill("/srv/src");
    await expect.poll(async () => (await inspect()).Reason, settled).toBe("virtiofsd /srv/src was ended by SIGKILL, and box cannot be given this folder while it runs; `glowplug restart box` mends that");
    await world.ok("restart", "box");
    expect(await inspect()).toMatchObject({ Condition: "ok", Reason: "" });
  });

  it("leaves nothing behind where its VM ends with it", async () => {
    await worldWith({}, 'volumes: ["./src:/srv/src"]');
    await world.ok("up", "./box.ts");
    process.kill((await inspect()).Processes.find(({ Name }) => Name === "qemu")?.Pid ?? Number.NaN, "SIGKILL");
    await expect.poll(() => processesOf(world.folder), settled).toEqual([]);
  });
});
